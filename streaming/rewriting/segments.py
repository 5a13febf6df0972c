"""Has Kafka close the segments of topics that are written anew: it deletes closed ones from disk, and what
was deleted lies in one file with what comes after until then."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
)

from streaming.contract.topics import SEGMENT_MS
from streaming.kafka import clients
from streaming.kafka.partitions import TIMEOUT_S
from streaming.settings import KafkaSettings

DELETED_AFTER_MS = 900_000
"""Kafka looks for closed segments every five minutes, and deletes their files one minute later."""
_AT_ONCE_MS = 10_000
"""Of a segment that is older, the next record closes it."""
_KNOWN_AFTER_S = 2.0
"""A broker hears of a topic's options a moment after it was asked to change them."""


@contextmanager
def closing(settings: KafkaSettings, names: Iterable[str]) -> Iterator[bool]:
    """Within the block, the next record of each partition of these topics closes the segment before it; after
    it, as they are declared. Yields False if the cluster does not let us: then that takes longer, and nothing
    else is different."""
    topics = list(names)
    done = _set(settings, topics, _AT_ONCE_MS)
    if done:
        time.sleep(_KNOWN_AFTER_S)
    try:
        yield done
    finally:
        if done:
            _set(settings, topics, SEGMENT_MS)


def _set(settings: KafkaSettings, names: Iterable[str], segment_ms: int) -> bool:
    admin = AdminClient(clients.properties(settings))  # kept until its answers are here: they die with it
    resources = [option(clients.name(settings, name), segment_ms) for name in names]
    try:
        for answer in admin.incremental_alter_configs(resources, request_timeout=TIMEOUT_S).values():
            answer.result(TIMEOUT_S)
    except (KafkaException, TimeoutError):
        return False
    return True


def option(topic: str, segment_ms: int) -> ConfigResource:
    """Returns the request to set after which time segments of `topic` (its full name) are closed."""
    entry = ConfigEntry("segment.ms", str(segment_ms), incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
