"""Has Kafka close the segments of topics that are written anew: it deletes closed ones from disk, and what
was deleted lies in one file with what comes after until then."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException
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
    it, as before. Yields False if the cluster does not let us do so everywhere: then that takes longer, and
    nothing else is different. Raises KafkaException if a topic cannot be set back."""
    before = {topic: _segment_ms(settings, topic) for topic in names}
    done: set[str] = set()
    try:
        # One by one: a topic that refuses must not hide what became of the others.
        done.update(topic for topic in before if _set(settings, topic, _AT_ONCE_MS) is None)
        if done:
            time.sleep(_KNOWN_AFTER_S)
        yield len(done) == len(before)
    finally:
        # Also of those that did not answer: the change may have been made.
        failed = {topic: _set(settings, topic, segment_ms) for topic, segment_ms in before.items()}
        if worst := next((failed[topic] for topic in sorted(done) if failed[topic]), None):
            raise worst


def _segment_ms(settings: KafkaSettings, topic: str) -> int:
    """What a rewrite that was killed has left is no choice of anybody."""
    try:
        found = clients.segment_ms(settings, topic)
    except (KafkaException, TimeoutError):
        return SEGMENT_MS
    return SEGMENT_MS if found == _AT_ONCE_MS else found


def _set(settings: KafkaSettings, topic: str, segment_ms: int) -> KafkaException | None:
    """Returns why it cannot be set; None if it is."""
    admin = AdminClient(clients.properties(settings))  # kept until its answers are here: they die with it
    resources = [option(clients.name(settings, topic), segment_ms)]
    try:
        for answer in admin.incremental_alter_configs(resources, request_timeout=TIMEOUT_S).values():
            answer.result(TIMEOUT_S)
    except KafkaException as error:
        return error
    except TimeoutError:
        return KafkaException(KafkaError(KafkaError._TIMED_OUT))
    return None


def option(topic: str, segment_ms: int) -> ConfigResource:
    """Returns the request to set after which time segments of `topic` (its full name) are closed."""
    entry = ConfigEntry("segment.ms", str(segment_ms), incremental_operation=AlterConfigOpType.SET)
    return ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
