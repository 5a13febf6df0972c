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

_Place = tuple[str, int]
"""Topic (its plain name) and partition."""


@dataclass(frozen=True)
class _First:
    """When the first record from offset `at` on was appended; None if none was visible before `end`."""

    at: int
    end: int
    appended_ms: int | None


class KafkaProbe:
    """Asks the broker; raises KafkaException while it does not answer."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(clients.properties(settings) | {"log_level": 0})
        self._client: Consumer = clients.consumer(
            settings, "watch", **{"enable.partition.eof": True, "fetch.wait.max.ms": 10, "log_level": 0}
        )
        self._first: dict[tuple[str, _Place], _First] = {}

    def __call__(self) -> list[Reading]:
        places = self._places()
        starts = self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        ends = self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        readings = [
            Reading(catalogue.END_OFFSET, end, {"topic": topic, "partition": str(partition)})
            for (topic, partition), end in ends.items()
        ]
        for stage in STAGES:
            committed = self._committed(stage.group, [place for place in places if place[0] in stage.reads])
            for place, at in committed.items():
                readings += self._lag(stage.name, place, at, starts[place], ends[place])
        return readings + self._retention()

    def _lag(self, stage: str, place: _Place, committed: int, start: int, end: int) -> list[Reading]:
        labels = {"stage": stage, "topic": place[0], "partition": str(place[1])}
        expired = start - committed if 0 <= committed < start else 0
        at = max(committed, start)
        appended_ms = self._appended_ms(stage, place, at, end) if at < end else None
        age_s = max(0.0, time.time() - appended_ms / 1000) if appended_ms is not None else 0.0
        return [
            Reading(catalogue.LAG_RECORDS, end - at if appended_ms is not None else 0, labels),
            Reading(catalogue.LAG_SECONDS, age_s, labels),
            Reading(catalogue.EXPIRED_RECORDS, expired, labels),
        ]

    def _appended_ms(self, stage: str, place: _Place, at: int, end: int) -> int | None:
        """When the first record at offset `at` or later was appended; None if none is visible."""
        known = self._first.get((stage, place))
        if known is None or known.at != at or (known.appended_ms is None and known.end != end):
            known = self._first[stage, place] = _First(at, end, self._look(place, at))
        return known.appended_ms

    def _look(self, place: _Place, at: int) -> int | None:
        start = TopicPartition(clients.name(self._settings, place[0]), place[1], at)
        _, message = next_record(self._client, start, TIMEOUT_S)
        return message.timestamp()[1] if message is not None else None

    def _places(self) -> list[_Place]:
        found = self._admin.list_topics(timeout=TIMEOUT_S).topics
        names = {clients.name(self._settings, topic): topic for topic in TOPICS_READ}
        return [
            (plain, partition)
            for name, plain in names.items()
            if name in found
            for partition in found[name].partitions
        ]

    def _at(self, places: list[_Place]) -> dict[TopicPartition, _Place]:
        return {
            TopicPartition(clients.name(self._settings, topic), partition): (topic, partition)
            for topic, partition in places
        }

    def _offsets(self, places: list[_Place], spec: OffsetSpec) -> dict[_Place, int]:
        asked = self._at(places)
        found = list_offsets(self._admin, list(asked), spec, TIMEOUT_S)
        return {asked[at]: info.offset for at, info in found.items()}

    def _committed(self, group: str, places: list[_Place]) -> dict[_Place, int]:
        """Negative where the group has not committed yet."""
        asked = self._at(places)
        if not asked:
            return {}
        request = ConsumerGroupTopicPartitions(clients.name(self._settings, group), list(asked))
        [answer] = self._admin.list_consumer_group_offsets([request], request_timeout=TIMEOUT_S).values()
        return {
            asked[TopicPartition(at.topic, at.partition)]: at.offset
            for at in answer.result(TIMEOUT_S).topic_partitions
        }

    def _retention(self) -> list[Reading]:
        return [
            Reading(catalogue.RETENTION_SECONDS, kept_ms / 1000, {"topic": topic})
            for topic, kept_ms in clients.retention_ms(self._settings, *TOPICS_READ).items()
            if kept_ms is not None
        ]
