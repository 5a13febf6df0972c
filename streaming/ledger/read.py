"""Reads the evidence from the real components."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from confluent_kafka import Message

from streaming.adapters import kafka
from streaming.events import topics
from streaming.events.horizon import stated_horizon_ms
from streaming.ledger.evidence import Evidence, RawRecord, RejectedRecord, ValidRecord
from streaming.ports import Document, DocumentIndex, SessionStore
from streaming.settings import KafkaSettings

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
    until: Mapping[int, int],
    index: DocumentIndex,
    store: SessionStore,
    tell: Callable[[str], None],
) -> Evidence:
    """Nothing is read before its turn. `tell` hears what is being read."""

    def said(what: str, begin: Callable[[], Iterable[T]]) -> Again[T]:
        def iterate() -> Iterator[T]:
            tell(f"reading {what}")
            yield from begin()

        return Again(iterate)

    def documents(name: str) -> Again[tuple[str, Document]]:
        def begin() -> Iterator[tuple[str, Document]]:
            index.refresh(name)
            yield from index.scan(name)

        return said(f"Elasticsearch {name}", begin)

    def records(topic: str, as_record: Callable[[Message], T]) -> Again[T]:
        return said(f"Kafka {topic}", lambda: map(as_record, kafka.read_all(settings, topic)))

    return Evidence(
        until=until,
        indexes={name: documents(name) for name in topics.INDEXED},
        mongodb=said("MongoDB sessions", store.scan),
        valid=records(topics.VALID, _valid),
        rejected=records(topics.REJECTED, _rejected),
        raw=records(topics.RAW, _raw),
    )


def _place(message: Message) -> tuple[int, int]:
    partition, offset = message.partition(), message.offset()
    assert partition is not None and offset is not None  # only a message that was never sent has none
    return partition, offset


def _raw(message: Message) -> RawRecord:
    return RawRecord(*_place(message), message.timestamp()[1], message.key(), message.value())


def _valid(message: Message) -> ValidRecord:
    return ValidRecord(*_place(message), message.key(), message.value())


def _rejected(message: Message) -> RejectedRecord:
    headers: dict[str, bytes] = dict(cast(list[tuple[str, bytes]], message.headers() or []))
    return RejectedRecord(
        _number(headers.get(topics.HEADER_RAW_PARTITION)),
        _number(headers.get(topics.HEADER_RAW_OFFSET)),
        headers.get(topics.HEADER_REASON, b"").decode(errors="replace"),
        message.key(),
        message.value(),
        stated_horizon_ms(headers.get(topics.HEADER_DETAIL, b"").decode(errors="replace")),
    )


def _number(header: bytes | None) -> int:
    return int(header) if header is not None and header.isdigit() else NOWHERE
