"""Makes Kafka records of a decision. Pure."""

from collections.abc import Iterator

from msgspec import Struct, json

from streaming.contract import topics
from streaming.contract.headers import Headers
from streaming.contract.valid_session import encode_admitted
from streaming.gate.decide import Decision, Rejected, Valid


class OutputRecord(Struct, frozen=True):
    """One record for `topic` (its plain name)."""

    topic: str
    value: bytes | None
    key: bytes | None
    headers: Headers | None = None


def records(decision: Decision) -> Iterator[OutputRecord]:
    """Yields one record for each outcome in order, then those for the extractions due."""
    for outcome in decision.outcomes:
        yield _valid(outcome, decision.pseudonym_key) if isinstance(outcome, Valid) else _rejected(outcome)
    for due in decision.extractions_due:
        yield OutputRecord(topics.EXTRACTION_DUE, json.encode(due), str(due.raw_partition).encode())


def _valid(outcome: Valid, pseudonym_key: str) -> OutputRecord:
    raw, session = outcome.raw, outcome.session
    value = encode_admitted(
        session.encoded,
        user_pseudonym=session.user_pseudonym,
        session_pseudonym=session.session_pseudonym,
        pseudonym_key=pseudonym_key,
        user_kind=outcome.user_kind,
        late=outcome.late,
        raw_partition=raw.partition,
        raw_offset=raw.offset,
        arrived_at_ms=raw.arrived_at_ms,
    )
    return OutputRecord(topics.VALID, value, session.user_pseudonym.encode())


def _rejected(outcome: Rejected) -> OutputRecord:
    raw, rejection = outcome.raw, outcome.rejection
    headers: Headers = [
        (topics.HEADER_REASON, rejection.reason.encode()),
        (topics.HEADER_DETAIL, rejection.detail.encode()),
        (topics.HEADER_RAW_PARTITION, b"%d" % raw.partition),
        (topics.HEADER_RAW_OFFSET, b"%d" % raw.offset),
        (topics.HEADER_ARRIVED_AT_MS, b"%d" % raw.arrived_at_ms),
    ]
    if rejection.horizon_ms is not None:
        headers.append((topics.HEADER_HORIZON_MS, b"%d" % rejection.horizon_ms))
    if rejection.keeps_nothing:
        headers.append((topics.HEADER_REFUSED_BY, (rejection.refused_by or "").encode()))
        # A key that keeps those of a raw partition together and in order, and says nothing of anybody.
        return OutputRecord(topics.REJECTED, None, b"%d" % raw.partition, headers)
    return OutputRecord(topics.REJECTED, raw.value, raw.key, headers)
