"""Every raw record has exactly one outcome, and it is the one it deserves. Pure.

Holds one byte and one 64-bit digest for each raw offset of the period, however long the messages.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property

import msgspec
from xxhash import xxh3_64_intdigest

from streaming.contract import topics
from streaming.contract.horizon import is_old
from streaming.contract.log_position import LogPosition
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.admitted import Admitted
from streaming.reconcile.evidence import OffsetRange, RawRecord, ReconcileScope, RejectedRecord
from streaming.reconcile.lateness import Lateness
from streaming.reconcile.report import Break, PartitionAccount
from streaming.reconcile.topic_heads import TopicHead

_encode = msgspec.json.Encoder().encode
_SESSION_FIELDS = Session.__struct_fields__

_NONE, _VALID, _LATE = 0, 1, 2
_SEEN = 0x80
"""Set once the raw record of an outcome was met."""
_REASONS = [str(reason) for reason in Reason]
_NAMES = ["", "valid", "valid", *_REASONS, "something else"]
_FIRST_REASON, _UNKNOWN_REASON = 3, len(_NAMES) - 1


class Outcomes:
    """Takes the outcomes first, then the raw records, in their order."""

    def __init__(self, standing: ReconcileScope, tell: Callable[[Break], None]) -> None:
        self._spans, self._tell = standing.spans, tell
        self._codes = {at: bytearray(span.end - span.first) for at, span in self._spans.items()}
        self._digests = {at: array("Q", bytes(8 * len(codes))) for at, codes in self._codes.items()}
        self._horizons_ms: dict[LogPosition, int | None] = {}
        """By which those beyond the horizon were judged: the setting may be another one by now."""
        self._sent = Counter[int]()
        cut = standing.cut
        self._heads = {topic: TopicHead(cut.get(topic, ())) for topic in (topics.VALID, topics.REJECTED)}

    def valid(self, partition: int, session: ValidSession) -> None:
        """A session that stands in `partition` of `valid_customer_session`."""
        place = LogPosition(session.raw_partition, session.raw_offset)
        self._heads[topics.VALID].hear(partition, place)
        digest = _session_digest(session, session.arrived_at_ms)
        code = _LATE if session.late else _VALID
        self._note(place, code, digest, session.session_id)

    def rejected(self, record: RejectedRecord) -> None:
        place = LogPosition(record.raw_partition, record.raw_offset)
        self._heads[topics.REJECTED].hear(record.partition, place)
        known = record.reason in _REASONS
        code = _FIRST_REASON + _REASONS.index(record.reason) if known else _UNKNOWN_REASON
        self._note(place, code, _bytes_digest(record), None)
        if record.reason == Reason.BEYOND_HORIZON:
            self._horizons_ms[place] = record.horizon_ms

    def explained_from(self, raw_partition: int) -> int:
        """The first raw offset whose session, if it is valid, is surely still in the log."""
        return self._heads[topics.VALID].complete_from(raw_partition, self._spans[raw_partition].end)

    @cached_property
    def _complete_from(self) -> dict[int, int]:
        """By raw partition, from where on the log has every outcome."""
        return {
            at: max(head.complete_from(at, span.end) for head in self._heads.values())
            for at, span in self._spans.items()
        }

    def raw(self, record: RawRecord, admitted: Admitted, lateness: Lateness) -> None:
        """Compares `record` with its outcome; `admitted` knows every valid session there is."""
        span = self._spans.get(record.partition)
        if span is None or record.offset not in span:
            return
        place = LogPosition(record.partition, record.offset)
        judged = parse(record.value, record.arrived_at_ms)
        session_id = judged.session_id if isinstance(judged, Session) else None
        if record.offset < self._complete_from[record.partition]:
            if isinstance(judged, Session) and admitted.place_of(judged.session_id) == place:
                lateness.is_late(record.partition, judged)
            return
        self._sent[record.partition] += 1
        codes, at = self._codes[record.partition], record.offset - span.first
        code = codes[at]
        codes[at] = code | _SEEN
        if code == _NONE:
            wrong: str | None = "has no outcome"
        else:
            digest, horizon_ms = self._digests[record.partition][at], self._horizons_ms.get(place)
            wrong = _wrong(code, digest, record, judged, admitted, horizon_ms)
        if code in (_VALID, _LATE) and isinstance(judged, Session):
            late = lateness.is_late(record.partition, judged)
            if not wrong and late != (code == _LATE):
                wrong = f"is called {'late' if not late else 'in time'}, but is not"
        if wrong:
            self._break(place, wrong, session_id)

    def without_raw(self) -> Iterator[LogPosition]:
        """Of the outcomes whose raw record did not come."""
        for partition, codes in self._codes.items():
            first, complete_from = self._spans[partition].first, self._complete_from[partition]
            if any(0 < code < _SEEN for code in set(codes)):
                places = (
                    LogPosition(partition, first + at) for at, code in enumerate(codes) if 0 < code < _SEEN
                )
                yield from (place for place in places if place.offset >= complete_from)

    def rejections(self) -> Iterator[tuple[LogPosition, str]]:
        """Place and reason of every raw record rejected, but for duplicates."""
        for partition, codes in self._codes.items():
            first = self._spans[partition].first
            for at, code in enumerate(codes):
                if code & _SEEN and (name := _NAMES[code - _SEEN]) not in ("", "valid", Reason.DUPLICATE):
                    yield LogPosition(partition, first + at), name

    def accounts(self) -> dict[int, PartitionAccount]:
        """By raw partition, once all raw records were met."""
        return {partition: self._account(partition, span) for partition, span in self._spans.items()}

    def _account(self, partition: int, span: OffsetRange) -> PartitionAccount:
        met = Counter(
            {code - _SEEN: n for code, n in Counter(self._codes[partition]).items() if code & _SEEN}
        )
        named = {_NAMES[code]: n for code, n in met.items() if code >= _FIRST_REASON}
        return PartitionAccount(
            first=max(span.first, min(self._complete_from[partition], span.end)),
            to=span.end,
            sent=self._sent[partition],
            valid=met[_VALID] + met[_LATE],
            duplicate=named.pop(Reason.DUPLICATE, 0),
            rejected=dict(sorted(named.items())),
            late=met[_LATE],
        )

    def _note(self, place: LogPosition, code: int, digest: int, session_id: str | None) -> None:
        span = self._spans.get(place.partition)
        if span is None or place.offset < 0:
            self._break(place, "has an outcome, but there is no such place", session_id)
            return
        if place.offset not in span:
            return
        codes, at = self._codes[place.partition], place.offset - span.first
        if codes[at]:
            self._break(place, f"has two outcomes, {_NAMES[codes[at]]} and {_NAMES[code]}", session_id)
            return
        codes[at], self._digests[place.partition][at] = code, digest

    def _break(self, place: LogPosition, what: str, session_id: str | None) -> None:
        self._tell(Break("raw", what, session=session_id, raw=str(place)))


def _wrong(
    code: int,
    digest: int,
    record: RawRecord,
    judged: Session | Rejection,
    admitted: Admitted,
    horizon_ms: int | None,
) -> str | None:
    """What is wrong with the outcome `code` of `record`, whose bytes say `judged`."""
    kind, is_valid = _NAMES[code], code in (_VALID, _LATE)
    if isinstance(judged, Rejection):
        if kind != judged.reason:
            return f"came out as {kind}, but is {judged.reason}"
    elif kind == Reason.DUPLICATE:
        first = admitted.place_of(judged.session_id)
        if first is None:
            return "came out as duplicate of a session that is valid nowhere"
        if first.partition == record.partition and first.offset > record.offset:
            return "came out as duplicate of a session that came after it"
    elif kind == Reason.BEYOND_HORIZON:
        if horizon_ms is None or not is_old(judged, record.arrived_at_ms, horizon_ms):
            return "came out as beyond_horizon, but is not so old"
    elif not is_valid:
        return f"came out as {kind}, but is a session"
    elif digest != _session_digest(judged, record.arrived_at_ms):
        return "came out as valid with another content"
    if not is_valid and digest != _bytes_digest(record):
        return f"came out as {kind} with other bytes"
    return None


def _session_digest(session: Session, arrived_at_ms: int) -> int:
    """Of the part of a valid session that the sender and the broker's clock decided."""
    return xxh3_64_intdigest(_encode([getattr(session, name) for name in _SESSION_FIELDS]), arrived_at_ms)


def _bytes_digest(record: RawRecord | RejectedRecord) -> int:
    return xxh3_64_intdigest(_encode((record.key, record.value)))
