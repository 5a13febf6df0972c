"""Kafka clients with the settings that every stage needs: committed reads, idempotent writes."""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic  # type: ignore[attr-defined]

from streaming.contract import topics
from streaming.kafka.partitions import POLL_S, TIMEOUT_S, end_offsets, read_until
from streaming.settings import KafkaSettings


def properties(settings: KafkaSettings) -> dict[str, Any]:
    """Returns the client properties for this cluster."""
    own: dict[str, Any] = {
        "bootstrap.servers": settings.bootstrap_servers,
        "client.id": "vitrine",
        # Wait for an unavailable broker: it shows as consumer lag, not as an error line every second.
        "reconnect.backoff.ms": 500,
        "reconnect.backoff.max.ms": 2_000,
        "log.connection.close": False,
    }
    extra: dict[str, Any] = json.loads(settings.client_properties.get_secret_value())
    return own | extra


def name(settings: KafkaSettings, topic: str) -> str:
    """Returns the full name of `topic` (or of a consumer group) on this cluster."""
    return settings.topic_prefix + topic


def require(settings: KafkaSettings, timeout_s: float = 5.0) -> None:
    """For commands that fail rather than wait: raises KafkaException if no broker answers in time."""
    AdminClient(properties(settings) | {"log_level": 0}).list_topics(timeout=timeout_s)


def ensure_topics(settings: KafkaSettings) -> None:
    """Creates the declared topics that do not exist yet, and returns when they can be read and written.
    Raises KafkaException if the cluster refuses: if one is missing, a stage may not have the right to create
    it."""
    admin = AdminClient(properties(settings))
    existing = admin.list_topics(timeout=TIMEOUT_S).topics
    wanted = [
        NewTopic(
            name(settings, topic.name),
            num_partitions=topic.partitions,
            replication_factor=settings.replication_factor,
            config=topic.config,
        )
        for topic in topics.declared(settings.partitions, settings.retention_ms)
    ]
    missing = [one for one in wanted if one.topic not in existing]
    created = admin.create_topics(missing, operation_timeout=TIMEOUT_S) if missing else {}
    for outcome in created.values():
        try:
            outcome.result(TIMEOUT_S)
        except TimeoutError as error:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from error
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _wait_until_led(settings, [topic.topic for topic in wanted])


def _wait_until_led(settings: KafkaSettings, names: list[str]) -> None:
    """Brokers learn of a new topic a moment after the controller has created it; under load, much later."""
    client = looking_consumer(settings, "progress")
    deadline = time.monotonic() + TIMEOUT_S
    try:
        for topic in names:
            while not client.list_topics(topic, timeout=TIMEOUT_S).topics[topic].partitions:
                if time.monotonic() > deadline:
                    raise KafkaException(
                        KafkaError(KafkaError._TIMED_OUT, f"{topic} was created but has no leader")
                    )
                time.sleep(POLL_S)
            end_offsets(client, topic)
    finally:
        client.close()


def retention_ms(settings: KafkaSettings, *names: str) -> dict[str, int | None]:
    """Returns how long each topic keeps its records on this cluster. None: for ever."""
    kept_ms = {topic: int(found) for topic, found in _configured(settings, "retention.ms", *names).items()}
    return {topic: None if of < 0 else of for topic, of in kept_ms.items()}


def segment_ms(settings: KafkaSettings, *names: str) -> int:
    """Returns after which time Kafka closes a segment of any of these topics, at the next record: before, it
    deletes nothing of it from disk."""
    return max(map(int, _configured(settings, "segment.ms", *names).values()))


def _configured(settings: KafkaSettings, option: str, *names: str) -> dict[str, str]:
    """Returns the value of an option of each topic."""
    admin = AdminClient(properties(settings))
    resources = {ConfigResource(ConfigResource.Type.TOPIC, name(settings, topic)): topic for topic in names}
    found: dict[str, str] = {}
    for resource, answer in admin.describe_configs(list(resources), request_timeout=TIMEOUT_S).items():
        found[resources[resource]] = answer.result(TIMEOUT_S)[option].value
    return found


def producer(settings: KafkaSettings, **extra: object) -> Producer:
    """Returns an idempotent producer that batches for throughput."""
    return Producer(
        properties(settings)
        | {
            "enable.idempotence": True,
            "linger.ms": 20,
            "compression.type": "lz4",
            "message.max.bytes": 2 * topics.RAW_MAX_BYTES,
            "queue.buffering.max.kbytes": 262_144,
        }
        | extra
    )


def consumer(settings: KafkaSettings, group: str, **extra: object) -> Consumer:
    """Returns a consumer of committed records that starts at the beginning and never commits by itself."""
    return Consumer(
        properties(settings)
        | {
            "group.id": name(settings, group),
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "partition.assignment.strategy": "cooperative-sticky",
        }
        | extra
    )


def looking_consumer(settings: KafkaSettings, group: str, **extra: object) -> Consumer:
    """Returns a consumer for one look, which joins no group. It logs nothing, because one that is closed
    while it still logs in to the group's coordinator would print that as an error; its calls raise what
    fails."""
    return consumer(settings, group, **{"log_level": 0} | extra)


def read_all(
    settings: KafkaSettings,
    topic: str,
    first: Mapping[int, int] | None = None,
    batch: int = 5_000,
    until: Mapping[int, int] | None = None,
) -> Iterator[Message]:
    """Yields the committed records of `topic` up to its present end, partition by partition. `first`: the
    partitions to read and the offset at which each begins; by default all, from their beginning. `until`: the
    offsets before which to stop instead, which must be visible."""
    full_name = name(settings, topic)
    # At the end of a partition the broker holds a fetch open for new records, which would cost time for each.
    client = looking_consumer(settings, "read-all", **{"enable.partition.eof": True, "fetch.wait.max.ms": 10})
    try:
        ends = end_offsets(client, full_name) if until is None else until
        starts = dict.fromkeys(ends, 0) if first is None else first
        for partition, start in starts.items():
            yield from read_until(client, TopicPartition(full_name, partition, start), ends[partition], batch)
    finally:
        client.close()
