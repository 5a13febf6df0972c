"""Reads the evidence from the components."""

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
from streaming.summaries.settings import WindowSettings
from streaming.words.lists import Words

T = TypeVar("T")
NOWHERE = -1
"""Partition and offset of an outcome whose headers do not name its raw record."""


class Rereadable(Generic[T]):
    """An iterable that calls `begin` each time it is iterated over."""

    def __init__(self, begin: Callable[[], Iterator[T]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[T]:
        return self._begin()


def evidence(
    settings: KafkaSettings,
    scope: ReconcileScope,
    gate: GateSettings,
    window: WindowSettings,
    words: Words,
    index: DocumentIndex,
    store: SessionStore,
) -> Evidence:
    """Returns the evidence; each part is read when it is iterated over."""

    def documents(name: str) -> Rereadable[tuple[str, Document]]:
        def begin() -> Iterator[tuple[str, Document]]:
            index.refresh(name)
            yield from index.scan(name)

        return Rereadable(begin)

    def records(
        topic: str, as_record: Callable[[Message], T], first: Mapping[int, int] | None = None
    ) -> Rereadable[T]:
        return Rereadable(lambda: map(as_record, clients.read_all(settings, topic, first)))

    begins = {at: span.first for at, span in scope.spans.items()}
    return Evidence(
        scope=scope,
        allowed_lateness_ms=gate.allowed_lateness_ms,
        horizon=gate.horizon,
        key_limit=window.limit,
        words=words,
        imports=gate.imports,
        pseudonyms=gate.pseudonyms,
        indexes={name: documents(name) for name in topics.INDEXED},
        mongodb=Rereadable(store.scan),
        valid=records(topics.VALID, _valid),
        rejected=records(topics.REJECTED, rejected_record),
        raw=records(topics.RAW, _raw, begins),
    )


def _position(message: Message) -> LogPosition:
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return LogPosition(partition, offset)


def _raw(message: Message) -> RawRecord:
    value = message.value()
    corrects = corrected(headers_of(message), value)
    return RawRecord(*_position(message), message.timestamp()[1], message.key(), value, corrects)


def _valid(message: Message) -> ValidRecord:
    return ValidRecord(*_position(message), message.key(), message.value())


def rejected_record(message: Message) -> RejectedRecord:
    """Returns `message` of `rejected_user_session`, also if headers are missing or wrong."""
    headers = header_texts(message)
    return RejectedRecord(
        _position(message).partition,
        *(position_of_rejected(message) or (NOWHERE, NOWHERE)),
        headers.get(topics.HEADER_REASON, ""),
        message.key(),
        message.value(),
        stated_horizon_ms(headers.get(topics.HEADER_HORIZON_MS), headers.get(topics.HEADER_DETAIL, "")),
        headers.get(topics.HEADER_REFUSED_BY),
    )


def position_of_rejected(message: Message) -> LogPosition | None:
    """Returns the position of the raw record whose outcome `message` is, from its headers; None if they lack
    it."""
    headers = header_texts(message)
    try:
        return parse_log_position(
            f"{headers[topics.HEADER_RAW_PARTITION]}:{headers[topics.HEADER_RAW_OFFSET]}"
        )
    except (KeyError, ValueError):
        return None
