"""Records that no store will ever take, kept with their original bytes."""

import logging
from collections import Counter
from collections.abc import Sequence

from confluent_kafka import Producer
from msgspec import Struct

from streaming.contract import topics
from streaming.kafka import clients
from streaming.kafka.partitions import TIMEOUT_S
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings
from streaming.stores import StoreUnavailable

_log = logging.getLogger(__name__)


class DeadLetter(Struct, frozen=True):
    """One such record, and the reason."""

    topic: str
    """Its plain name."""
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str
    detail: str
    """May quote the record: not for logs."""


class DeadLetters:
    """The topic `refused_documents`."""

    def __init__(self, settings: KafkaSettings, producer: Producer) -> None:
        self._topic, self._producer = clients.name(settings, topics.REFUSED_DOCUMENTS), producer

    def put(self, refused: Sequence[DeadLetter]) -> Counter[str]:
        """Sends dead letters and returns their number by topic once they are in the log. Raises
        StoreUnavailable if Kafka did not take them all. Repeated, it keeps them twice."""
        if not refused:
            return Counter()
        failures: list[str] = []
        for one in refused:
            produce(
                self._producer,
                self._topic,
                one.value,
                one.key,
                headers=[
                    (topics.HEADER_REASON, one.reason.encode()),
                    (topics.HEADER_DETAIL, one.detail.encode()),
                    (topics.HEADER_TOPIC, one.topic.encode()),
                    (topics.HEADER_PARTITION, b"%d" % one.partition),
                    (topics.HEADER_OFFSET, b"%d" % one.offset),
                ],
                on_delivery=lambda error, _: failures.append(str(error)) if error else None,
            )
        if self._producer.flush(TIMEOUT_S) or failures:
            raise StoreUnavailable(f"Kafka did not take refused documents: {failures[:1]}")
        for (topic, reason), count in Counter((one.topic, one.reason) for one in refused).items():
            _log.error("documents_refused", extra={"topic": topic, "reason": reason, "count": count})
        return Counter(one.topic for one in refused)
