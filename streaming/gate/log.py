"""The committed log as recovery reads it."""

from collections.abc import Iterator

from confluent_kafka import Consumer

from streaming.adapters.kafka_log import CommittedLog
from streaming.events import topics


class GateLog:
    """CommittedSessions over Kafka, seen through the gate's own consumer."""

    def __init__(self, log: CommittedLog, consumer: Consumer) -> None:
        self._log, self._consumer = log, consumer

    def identity(self) -> str:
        return self._log.identity(topics.RAW, topics.VALID)

    def committed(self) -> dict[int, int]:
        offsets = self._log.committed(self._consumer, topics.RAW)
        return {at.partition: at.offset for at in offsets if at.offset > 0}

    def is_ours_alone(self) -> bool:
        return len(self._consumer.assignment()) == len(self._log.partitions(topics.RAW))

    def valid_sessions(self) -> Iterator[tuple[bytes, float]]:
        return self._log.settled_values(topics.VALID)
