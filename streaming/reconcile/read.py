"""Reads the evidence from the real components."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from confluent_kafka import Message

from streaming.contract import topics
from streaming.contract.correction import corrected
from streaming.contract.headers import header_texts, headers_of
from streaming.contract.horizon import stated_horizon_ms
from streaming.contract.log_position import LogPosition, parse_log_position
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.reconcile.evidence import Evidence, RawRecord, ReconcileScope, RejectedRecord, ValidRecord
from streaming.settings import KafkaSettings
from streaming.sinks.port import DocumentIndex, SessionStore
from streaming.stores import Document

T = TypeVar("T")
NOWHERE = -1
"""Partition and offset of an outcome that does not say which raw record it is of."""


class Again(Generic[T]):
    """An iterable that begins anew each time it is iterated over."""

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[T]:
        return self._begin()


def evidence(
    settings: KafkaSettings,
    standing: ReconcileScope,
    gate: GateSettings,
    index: DocumentIndex,
    store: SessionStore,
) -> Evidence:
    """Nothing is read before its turn."""

    def documents(name: str) -> Again[tuple[str, Document]]:
        def begin() -> Iterator[tuple[str, Document]]:
            index.refresh(name)
            yield from index.scan(name)

        return Again(begin)

    def records(
        topic: str, as_record: Callable[[Message], T], first: Mapping[int, int] | None = None
    ) -> Again[T]:
        return Again(lambda: map(as_record, clients.read_all(settings, topic, first)))

    begins = {at: span.first for at, span in standing.spans.items()}
    return Evidence(
        standing=standing,
        allowed_lateness_ms=gate.allowed_lateness_ms,
        horizon=gate.horizon,
        indexes={name: documents(name) for name in topics.INDEXED},
        mongodb=Again(store.scan),
        valid=records(topics.VALID, _valid),
        rejected=records(topics.REJECTED, _rejected),
        raw=records(topics.RAW, _raw, begins),
    )


def _place(message: Message) -> LogPosition:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return LogPosition(partition, offset)


def _raw(message: Message) -> RawRecord:
    value = message.value()
    corrects = corrected(headers_of(message), value)
    return RawRecord(*_place(message), message.timestamp()[1], message.key(), value, corrects)


def _valid(message: Message) -> ValidRecord:
    return ValidRecord(*_place(message), message.key(), message.value())


def _rejected(message: Message) -> RejectedRecord:
    told = header_texts(message)
    return RejectedRecord(
        _place(message).partition,
        *(place_of_rejected(message) or (NOWHERE, NOWHERE)),
        told.get(topics.HEADER_REASON, ""),
        message.key(),
        message.value(),
        stated_horizon_ms(told.get(topics.HEADER_DETAIL, "")),
    )


def place_of_rejected(message: Message) -> LogPosition | None:
    """Which raw record a record of `rejected_user_session` is the outcome of, by its headers."""
    told = header_texts(message)
    try:
        return parse_log_position(f"{told[topics.HEADER_RAW_PARTITION]}:{told[topics.HEADER_RAW_OFFSET]}")
    except (KeyError, ValueError):
        return None
