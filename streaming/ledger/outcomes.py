"""Every raw record has exactly one outcome, and it is the one it deserves. Pure.

Holds one byte and one 64-bit digest for each raw offset, however long the messages.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping

import msgspec
from xxhash import xxh3_64_intdigest

from streaming.events.contract import Session
from streaming.events.horizon import is_old
from streaming.events.parsing import parse
from streaming.events.rejection import Reason, Rejection
from streaming.events.valid import ValidSession
from streaming.ledger.evidence import RawRecord, RejectedRecord
from streaming.ledger.report import Break

_encode = msgspec.json.Encoder().encode
_SESSION_FIELDS = Session.__struct_fields__

VALID = "valid"
_NONE = 0


class Outcomes:
    """Takes the outcomes first, then the raw records."""

    def __init__(self, until: Mapping[int, int], tell: Callable[[Break], None]) -> None:
        self._codes = {partition: bytearray(end) for partition, end in until.items()}
        self._digests = {partition: array("Q", bytes(8 * end)) for partition, end in until.items()}
        self._kinds = ["", VALID, *Reason]
        self._horizons_ms: dict[tuple[int, int], int | None] = {}
        """By which those beyond the horizon were judged: the setting may be another one by now."""
        self._tell = tell
        self.counts: Counter[str] = Counter()
        """Raw records by outcome."""
        self.sent = 0

    def valid(self, session: ValidSession) -> None:
        """A session on `valid_customer_session`."""
        digest = _session_digest(session, session.arrived_at_ms)
        self._note(session.raw_partition, session.raw_offset, VALID, digest, session.session_id)

    def rejected(self, record: RejectedRecord) -> None:
        self._note(record.raw_partition, record.raw_offset, record.reason, _bytes_digest(record), None)
        if record.reason == Reason.BEYOND_HORIZON:
            self._horizons_ms[record.raw_partition, record.raw_offset] = record.horizon_ms

    def raw(self, record: RawRecord, valid_ids: Container[str]) -> None:
        """Compares `record` with its outcome; `valid_ids` holds every valid session there is."""
        codes = self._codes.get(record.partition)
        if codes is None or record.offset >= len(codes):
            return
        self.sent += 1
        kind = self._kinds[codes[record.offset]]
        codes[record.offset] = _NONE
        judged = parse(record.value, record.arrived_at_ms)
        session_id = judged.session_id if isinstance(judged, Session) else None
        if not kind:
            self._break(record.partition, record.offset, "has no outcome", session_id)
            return
        self.counts[kind] += 1
        digest = self._digests[record.partition][record.offset]
        horizon_ms = self._horizons_ms.get((record.partition, record.offset))
        if wrong := _wrong(kind, digest, record, judged, valid_ids, horizon_ms):
            self._break(record.partition, record.offset, wrong, session_id)

    def without_raw(self) -> Iterator[tuple[int, int]]:
        """(partition, offset) of the outcomes whose raw record did not come."""
        for partition, codes in self._codes.items():
            if any(codes):
                yield from ((partition, offset) for offset, code in enumerate(codes) if code)

    def _note(self, partition: int, offset: int, kind: str, digest: int, session_id: str | None) -> None:
        codes = self._codes.get(partition)
        if codes is None or offset < 0:
            self._break(partition, offset, "has an outcome, but there is no such place", session_id)
            return
        if offset >= len(codes):
            return
        if codes[offset]:
            first = self._kinds[codes[offset]]
            self._break(partition, offset, f"has two outcomes, {first} and {kind}", session_id)
            return
        if kind not in self._kinds:
            self._kinds.append(kind)
        codes[offset] = self._kinds.index(kind)
        self._digests[partition][offset] = digest

    def _break(self, partition: int, offset: int, what: str, session_id: str | None) -> None:
        self._tell(Break("raw", what, session=session_id, raw=f"{partition}:{offset}"))


def _wrong(
    kind: str,
    digest: int,
    record: RawRecord,
    judged: Session | Rejection,
    valid_ids: Container[str],
    horizon_ms: int | None,
) -> str | None:
    """What is wrong with the outcome `kind` of `record`, whose bytes say `judged`."""
    if isinstance(judged, Rejection):
        if kind != judged.reason:
            return f"came out as {kind}, but is {judged.reason}"
    elif kind == Reason.DUPLICATE:
        if judged.session_id not in valid_ids:
            return "came out as duplicate of a session that is valid nowhere"
    elif kind == Reason.BEYOND_HORIZON:
        if horizon_ms is None or not is_old(judged, record.arrived_at_ms, horizon_ms):
            return "came out as beyond_horizon, but is not so old"
    elif kind != VALID:
        return f"came out as {kind}, but is a session"
    elif digest != _session_digest(judged, record.arrived_at_ms):
        return "came out as valid with another content"
    if kind != VALID and digest != _bytes_digest(record):
        return f"came out as {kind} with other bytes"
    return None


def _session_digest(session: Session, arrived_at_ms: int) -> int:
    """Of the part of a valid session that the sender and the broker's clock decided."""
    return xxh3_64_intdigest(_encode([getattr(session, name) for name in _SESSION_FIELDS]), arrived_at_ms)


def _bytes_digest(record: RawRecord | RejectedRecord) -> int:
    return xxh3_64_intdigest(_encode((record.key, record.value)))
