"""The probe of Kafka: how far every stage is behind, in records and in seconds."""

import time
from dataclasses import dataclass

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from streaming.contract.topology import STAGES, TOPICS_READ
from streaming.kafka import clients
from streaming.kafka.partitions import list_offsets, next_record
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.settings import KafkaSettings

TIMEOUT_S = 10.0

_TopicPartition = tuple[str, int]
"""Topic (its plain name) and partition."""


@dataclass(frozen=True)
class _FirstRecord:
    """When the first record from offset `at` on was appended; None if no record was visible before `end`."""

    at: int
    end: int
    appended_ms: int | None


class KafkaProbe:
    """Reads offsets from the broker. Raises KafkaException if it does not answer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(clients.properties(settings) | {"log_level": 0})
        self._client: Consumer = clients.consumer(
            settings, "watch", **{"enable.partition.eof": True, "fetch.wait.max.ms": 10, "log_level": 0}
        )
        self._first: dict[tuple[str, _TopicPartition], _FirstRecord] = {}

    def __call__(self) -> list[Reading]:
        partitions = self._partitions()
        starts = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._offsets(partitions, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        readings = [
            Reading(catalogue.END_OFFSET, end, {"topic": topic, "partition": str(partition)})
            for (topic, partition), end in ends.items()
        ]
        for stage in STAGES:
            committed = self._committed(
                stage.group, [partition for partition in partitions if partition[0] in stage.reads]
            )
            for partition, at in committed.items():
                readings += self._lag(stage.name, partition, at, starts[partition], ends[partition])
        return readings + self._retention()

    def _lag(
        self, stage: str, partition: _TopicPartition, committed: int, start: int, end: int
    ) -> list[Reading]:
        labels = {"stage": stage, "topic": partition[0], "partition": str(partition[1])}
        expired = start - committed if 0 <= committed < start else 0
        at = max(committed, start)
        appended_ms = self._appended_ms(stage, partition, at, end) if at < end else None
        age_s = max(0.0, time.time() - appended_ms / 1000) if appended_ms is not None else 0.0
        return [
            Reading(catalogue.LAG_RECORDS, end - at if appended_ms is not None else 0, labels),
            Reading(catalogue.LAG_SECONDS, age_s, labels),
            Reading(catalogue.EXPIRED_RECORDS, expired, labels),
        ]

    def _appended_ms(self, stage: str, partition: _TopicPartition, at: int, end: int) -> int | None:
        """Returns when the first record at offset `at` or later was appended; None if none is visible."""
        known = self._first.get((stage, partition))
        if known is None or known.at != at or (known.appended_ms is None and known.end != end):
            known = self._first[stage, partition] = _FirstRecord(at, end, self._read_time(partition, at))
        return known.appended_ms

    def _read_time(self, partition: _TopicPartition, at: int) -> int | None:
        start = TopicPartition(clients.name(self._settings, partition[0]), partition[1], at)
        _, message = next_record(self._client, start, TIMEOUT_S)
        return message.timestamp()[1] if message is not None else None

    def _partitions(self) -> list[_TopicPartition]:
        found = self._admin.list_topics(timeout=TIMEOUT_S).topics
        names = {clients.name(self._settings, topic): topic for topic in TOPICS_READ}
        return [
            (plain, partition)
            for name, plain in names.items()
            if name in found
            for partition in found[name].partitions
        ]

    def _at(self, partitions: list[_TopicPartition]) -> dict[TopicPartition, _TopicPartition]:
        return {
            TopicPartition(clients.name(self._settings, topic), partition): (topic, partition)
            for topic, partition in partitions
        }

    def _offsets(self, partitions: list[_TopicPartition], spec: OffsetSpec) -> dict[_TopicPartition, int]:
        by_request = self._at(partitions)
        found = list_offsets(self._admin, list(by_request), spec, TIMEOUT_S)
        return {by_request[at]: info.offset for at, info in found.items()}

    def _committed(self, group: str, partitions: list[_TopicPartition]) -> dict[_TopicPartition, int]:
        """Returns the committed offsets; negative for partitions without one."""
        by_request = self._at(partitions)
        if not by_request:
            return {}
        request = ConsumerGroupTopicPartitions(clients.name(self._settings, group), list(by_request))
        [answer] = self._admin.list_consumer_group_offsets([request], request_timeout=TIMEOUT_S).values()
        return {
            by_request[TopicPartition(at.topic, at.partition)]: at.offset
            for at in answer.result(TIMEOUT_S).topic_partitions
        }

    def _retention(self) -> list[Reading]:
        return [
            Reading(catalogue.RETENTION_SECONDS, kept_ms / 1000, {"topic": topic})
            for topic, kept_ms in clients.retention_ms(self._settings, *TOPICS_READ).items()
            if kept_ms is not None
        ]
