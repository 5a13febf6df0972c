"""Whether every raw record has exactly one outcome, and the right one. Pure.

Uses one byte and one 64-bit digest per raw offset of the period, however long the messages are.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property

import msgspec
from xxhash import xxh3_64_intdigest

from streaming.contract import topics
from streaming.contract.addresses import masked
from streaming.contract.consent import analytics_answer
from streaming.contract.erased_session import ErasedSession
from streaming.contract.feeds import ImportKeys
from streaming.contract.folding import folded
from streaming.contract.horizon import is_old
from streaming.contract.log_position import LogPosition
from streaming.contract.parsing import parse
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import LIVE_FEED, Session
from streaming.contract.valid_session import StoredSession, sent
from streaming.reconcile.admitted import Admitted
from streaming.reconcile.evidence import OffsetRange, RawRecord, ReconcileScope, RejectedRecord
from streaming.reconcile.lateness import Lateness
from streaming.reconcile.report import Discrepancy, PartitionCounts
from streaming.reconcile.topic_heads import TopicHead

_encode = msgspec.json.Encoder().encode
_SESSION_FIELDS = Session.__struct_fields__

_NONE, _VALID, _LATE, _ERASED = 0, 1, 2, 3
_SEEN = 0x80
"""Set when the raw record of an outcome has been read."""
_REASONS = [str(reason) for reason in Reason]
_NAMES = ["", "valid", "valid", "valid", *_REASONS, "something else"]
_FIRST_REASON, _UNKNOWN_REASON = 4, len(_NAMES) - 1
_NOT_TO_CORRECT = ("", "valid", Reason.DUPLICATE, Reason.NO_CONSENT)


class Outcomes:
    """Add all outcomes first (`valid`, `rejected`), then the raw records in the order of their offsets
    (`raw`). Calls `report` with each discrepancy."""

    def __init__(
        self,
        scope: ReconcileScope,
        imports: ImportKeys,
        pseudonyms: Pseudonyms,
        report: Callable[[Discrepancy], None],
    ) -> None:
        self._spans, self._imports, self._report = scope.spans, imports, report
        self._pseudonyms = pseudonyms
        self._codes = {at: bytearray(span.end - span.first) for at, span in self._spans.items()}
        self._digests = {at: array("Q", bytes(8 * len(codes))) for at, codes in self._codes.items()}
        self._horizons_ms: dict[LogPosition, int | None] = {}
        """The horizon by which each message beyond the horizon was rejected: the setting may have changed."""
        self._refused_by: dict[LogPosition, str | None] = {}
        """Who has refused each message without consent: the setting may have changed."""
        self._sent = Counter[int]()
        self._known_from_ms = 0
        cut = scope.cut
        self._heads = {topic: TopicHead(cut.get(topic, ())) for topic in (topics.VALID, topics.REJECTED)}

    def valid(self, partition: int, session: StoredSession | ErasedSession) -> None:
        """Adds a session from `partition` of `valid_customer_session`, or what is left of it."""
        position = LogPosition(session.raw_partition, session.raw_offset)
        self._heads[topics.VALID].add(partition, position)
        if isinstance(session, ErasedSession):
            self._note(position, _ERASED, 0, session.session_pseudonym)
            return
        # Folded and masked, because earlier releases kept what was sent.
        digest = _session_digest(masked(folded(sent(session))), session.arrived_at_ms)
        code = _LATE if session.late else _VALID
        self._note(position, code, digest, session.session_pseudonym)

    def rejected(self, record: RejectedRecord) -> None:
        position = LogPosition(record.raw_partition, record.raw_offset)
        self._heads[topics.REJECTED].add(record.partition, position)
        known = record.reason in _REASONS
        code = _FIRST_REASON + _REASONS.index(record.reason) if known else _UNKNOWN_REASON
        self._note(position, code, _bytes_digest(record), None)
        if record.reason == Reason.BEYOND_HORIZON:
            self._horizons_ms[position] = record.horizon_ms
        elif record.reason == Reason.NO_CONSENT:
            self._refused_by[position] = record.refused_by

    def complete_from(self, raw_partition: int) -> int:
        """Returns the first raw offset from which on the log certainly contains every valid session."""
        return self._heads[topics.VALID].complete_from(raw_partition, self._spans[raw_partition].end)

    @cached_property
    def _complete_from(self) -> dict[int, int]:
        """By raw partition, the offset from which on the log contains every outcome."""
        return {
            at: max(head.complete_from(at, span.end) for head in self._heads.values())
            for at, span in self._spans.items()
        }

    def judge_duplicates_from(self, known_from_ms: int) -> None:
        """Of raw records that arrived before this moment, the session that they repeat may be deleted."""
        self._known_from_ms = known_from_ms

    def raw(self, record: RawRecord, admitted: Admitted, lateness: Lateness) -> None:
        """Compares `record` with its outcome; `admitted` contains all valid sessions."""
        span = self._spans.get(record.partition)
        if span is None or record.offset not in span:
            return
        position = LogPosition(record.partition, record.offset)
        parsed = parse(record.value, record.arrived_at_ms)
        known_as = pseudonym_of(parsed, self._pseudonyms)
        if record.offset < self._complete_from[record.partition]:
            if isinstance(parsed, Session) and admitted.position_of(known_as) == position:
                lateness.is_late(record.partition, parsed)
            return
        self._sent[record.partition] += 1
        codes, at = self._codes[record.partition], record.offset - span.first
        code = codes[at]
        codes[at] = code | _SEEN
        answer = analytics_answer(parsed, record.value)
        if code == _NONE:
            wrong: str | None = "has no outcome"
        else:
            digest, horizon_ms = self._digests[record.partition][at], self._horizons_ms.get(position)
            if _NAMES[code] == Reason.NO_CONSENT:
                wrong = _wrong_refusal(digest, record, answer, self._refused_by.get(position))
            elif answer is False:
                wrong = f"came out as {_NAMES[code]}, but its user has refused analytics"
            else:
                wrong = _wrong(
                    code,
                    digest,
                    record,
                    parsed,
                    admitted.position_of(known_as),
                    self._imports,
                    horizon_ms,
                    self._known_from_ms,
                )
        if code in (_VALID, _LATE, _ERASED) and isinstance(parsed, Session):
            late = lateness.is_late(record.partition, parsed)
            if code != _ERASED and not wrong and late != (code == _LATE):
                wrong = f"is marked as {'late' if not late else 'in time'}, but is not"
        if wrong:
            self._break(position, wrong, None if answer is False else known_as or None)

    def without_raw(self) -> Iterator[LogPosition]:
        """Yields the positions of outcomes that have no raw record."""
        for partition, codes in self._codes.items():
            first, complete_from = self._spans[partition].first, self._complete_from[partition]
            if any(0 < code < _SEEN for code in set(codes)):
                positions = (
                    LogPosition(partition, first + at) for at, code in enumerate(codes) if 0 < code < _SEEN
                )
                yield from (position for position in positions if position.offset >= complete_from)

    def rejections(self) -> Iterator[tuple[LogPosition, str]]:
        """Yields position and reason of every rejected raw record that can be corrected: without duplicates,
        and without those of which nothing is kept."""
        for partition, codes in self._codes.items():
            first = self._spans[partition].first
            for at, code in enumerate(codes):
                if code & _SEEN and (name := _NAMES[code - _SEEN]) not in _NOT_TO_CORRECT:
                    yield LogPosition(partition, first + at), name

    def counts(self) -> dict[int, PartitionCounts]:
        """Returns the counts by raw partition. Call it after all raw records."""
        return {partition: self._count(partition, span) for partition, span in self._spans.items()}

    def _count(self, partition: int, span: OffsetRange) -> PartitionCounts:
        seen = Counter(
            {code - _SEEN: n for code, n in Counter(self._codes[partition]).items() if code & _SEEN}
        )
        named = {_NAMES[code]: n for code, n in seen.items() if code >= _FIRST_REASON}
        return PartitionCounts(
            first=max(span.first, min(self._complete_from[partition], span.end)),
            to=span.end,
            sent=self._sent[partition],
            valid=seen[_VALID] + seen[_LATE] + seen[_ERASED],
            duplicate=named.pop(Reason.DUPLICATE, 0),
            rejected=dict(sorted(named.items())),
            late=seen[_LATE],
        )

    def _note(self, position: LogPosition, code: int, digest: int, session: str | None) -> None:
        span = self._spans.get(position.partition)
        if span is None or position.offset < 0:
            self._break(position, "has an outcome, but no such position exists", session)
            return
        if position.offset not in span:
            return
        codes, at = self._codes[position.partition], position.offset - span.first
        if codes[at]:
            self._break(position, f"has two outcomes, {_NAMES[codes[at]]} and {_NAMES[code]}", session)
            return
        codes[at], self._digests[position.partition][at] = code, digest

    def _break(self, position: LogPosition, what: str, session: str | None) -> None:
        self._report(Discrepancy("raw", what, session=session, raw=str(position)))


def _wrong(
    code: int,
    digest: int,
    record: RawRecord,
    parsed: Session | Rejection,
    first: LogPosition | None,
    imports: ImportKeys,
    horizon_ms: int | None,
    known_from_ms: int,
) -> str | None:
    """Returns what is wrong with the outcome `code` of `record`, which parses to `parsed`; None if nothing.
    `first`: the position of the valid session of the same name."""
    kind, is_valid = _NAMES[code], code in (_VALID, _LATE, _ERASED)
    if isinstance(parsed, Rejection):
        if kind != parsed.reason:
            return f"came out as {kind}, but is {parsed.reason}"
    elif kind == Reason.DUPLICATE:
        if first is None:
            if record.arrived_at_ms >= known_from_ms:
                return "came out as duplicate of a session that is not among the valid ones"
        elif first.partition == record.partition and first.offset > record.offset:
            return "came out as duplicate of a session that came after it"
    elif kind == Reason.BEYOND_HORIZON:
        if horizon_ms is None or not is_old(parsed, record.arrived_at_ms, horizon_ms):
            return "came out as beyond_horizon, but is within the horizon"
    elif kind in (Reason.UNKNOWN_FEED, Reason.TOO_MANY_IMPORTS):
        # Which other feeds were accepted depends on the settings of then.
        declared = kind == Reason.UNKNOWN_FEED and imports.made(parsed.feed)
        if declared or parsed.feed == LIVE_FEED:
            return f"came out as {kind}, but its feed is accepted"
    elif not is_valid:
        return f"came out as {kind}, but is a valid session"
    elif imports.is_forged(parsed.feed):
        return "came out as valid, but ./vitrine ingest did not make its feed (VITRINE_IMPORT_KEYS)"
    elif code != _ERASED and digest != _session_digest(parsed, record.arrived_at_ms):
        return "came out as valid with another content"
    if not is_valid and digest != _bytes_digest(record):
        return f"came out as {kind} with other bytes"
    return None


def _wrong_refusal(digest: int, record: RawRecord, answer: bool | None, refused_by: str | None) -> str | None:
    """Returns what is wrong with the outcome `no_consent` of `record`, which itself gives this `answer`; None
    if nothing. What the setting of its source was then is not known any more."""
    if (refused_by, answer) not in (("session", False), ("source", None)):
        return "came out as no_consent, but its user has not refused analytics"
    kept_nothing = xxh3_64_intdigest(_encode((b"%d" % record.partition, None)))
    return None if digest == kept_nothing else "came out as no_consent, but its content is kept"


def pseudonym_of(parsed: Session | Rejection, pseudonyms: Pseudonyms) -> str:
    """Returns the pseudonym of a session; empty, which no session has, for a rejection."""
    return pseudonyms.both(parsed.user_id, parsed.session_id)[1] if isinstance(parsed, Session) else ""


def _session_digest(session: Session, arrived_at_ms: int) -> int:
    """Returns a digest of the fields that come from the sender and from the broker's clock."""
    return xxh3_64_intdigest(_encode([getattr(session, name) for name in _SESSION_FIELDS]), arrived_at_ms)


def _bytes_digest(record: RawRecord | RejectedRecord) -> int:
    return xxh3_64_intdigest(_encode((record.key, record.value)))
