"""How far a stage has got in a topic, by the offsets its consumer group committed."""

import math
import time
from collections.abc import Callable, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streaming.kafka import clients
from streaming.settings import KafkaSettings

_ASK_AGAIN_S = 0.5


class StageBehind(RuntimeError):
    """A stage did not get past what it had to within the time allowed; the text says which, and how far."""


def starts(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """By partition of `topic`, the first offset that retention has left."""
    return {partition: low for partition, (low, _) in _watermarks(settings, topic).items()}


def ends(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """By partition of `topic`, the offset after the last record, records of open transactions included: a
    stage may have committed its place before its transaction shows."""
    return {partition: high for partition, (_, high) in _watermarks(settings, topic).items()}


def offsets_at(settings: KafkaSettings, topic: str, moment_ms: int) -> dict[int, int]:
    """By partition of `topic`, the offset of the first record stamped `moment_ms` or later, or the end."""
    last = ends(settings, topic)
    name = clients.name(settings, topic)
    client = clients.consumer(settings, "progress")
    try:
        asked = [TopicPartition(name, partition, moment_ms) for partition in last]
        found = client.offsets_for_times(asked, timeout=clients.TIMEOUT_S)
    finally:
        client.close()
    return {tp.partition: tp.offset if tp.offset >= 0 else last[tp.partition] for tp in found}


def committed(settings: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """By partition of `topic`, the offset up to which `group` says it has read; 0 where it never did."""
    client = clients.consumer(settings, group)
    try:
        asked = [TopicPartition(clients.name(settings, topic), at) for at in ends(settings, topic)]
        found = client.committed(asked, timeout=clients.TIMEOUT_S)
    finally:
        client.close()
    return {at.partition: max(at.offset, 0) for at in found}


def wait_visible(settings: KafkaSettings, topic: str, deadline_s: float = math.inf) -> dict[int, int]:
    """Waits until no transaction is open on what `topic` holds now, and returns its ends: an open one, of a
    writer that died too, hides what others wrote after it until it is decided. Raises Behind when
    time.monotonic() has come to `deadline_s`."""
    goals = ends(settings, topic)
    while True:
        stable = _watermarks(settings, topic, "read_committed")
        if all(stable[partition][1] >= goal for partition, goal in goals.items()):
            return goals
        if time.monotonic() > deadline_s:
            raise StageBehind(
                f"A transaction on {clients.name(settings, topic)} stays open and hides its end."
            )
        time.sleep(clients.POLL_S)


def _watermarks(
    settings: KafkaSettings, topic: str, isolation: str = "read_uncommitted"
) -> dict[int, tuple[int, int]]:
    name = clients.name(settings, topic)
    client = clients.consumer(settings, "progress", **{"isolation.level": isolation})
    try:
        found = client.list_topics(name, timeout=clients.TIMEOUT_S).topics[name]
        if found.error is not None:
            raise KafkaException(found.error)
        return {
            partition: client.get_watermark_offsets(
                TopicPartition(name, partition), timeout=clients.TIMEOUT_S
            )
            for partition in found.partitions
        }
    finally:
        client.close()


def wait_past(
    settings: KafkaSettings,
    group: str,
    topic: str,
    goals: Mapping[int, int],
    deadline_s: float,
    tell: Callable[[dict[int, int]], None] = lambda behind: None,
) -> None:
    """Returns when `group` has committed past every record of `topic` before `goals` (by partition) that will
    ever be visible. `tell` hears now and then which partitions are behind, and by how many offsets. Raises
    Behind when time.monotonic() has come to `deadline_s`."""
    client = clients.consumer(settings, group, **{"enable.partition.eof": True, "fetch.wait.max.ms": 10})
    name = clients.name(settings, topic)
    try:
        while True:
            behind = {}
            for partition, goal in goals.items():
                if (at := _next_offset(client, TopicPartition(name, partition), goal)) < goal:
                    behind[partition] = goal - at
            if not behind:
                return
            if time.monotonic() > deadline_s:
                raise StageBehind(
                    f"The stage `{group}` is {sum(behind.values())} offsets behind in {name}. Does it run?"
                    " `./vitrine status` shows it, `./vitrine logs` says what it waits for."
                )
            tell(behind)
            time.sleep(_ASK_AGAIN_S)
    finally:
        client.close()


def _next_offset(client: Consumer, partition: TopicPartition, goal: int) -> int:
    """Where the first record stands that the client's group has not committed past, or the end of what is
    visible. Committed offsets alone cannot tell: the markers of transactions take offsets too, and no
    consumer ever commits past a trailing one."""
    [committed] = client.committed([partition], timeout=clients.TIMEOUT_S)
    low, _ = client.get_watermark_offsets(partition, timeout=clients.TIMEOUT_S)
    start = max(low, committed.offset)  # a group that never committed shows a negative offset
    if start >= goal:
        return start
    client.assign([TopicPartition(partition.topic, partition.partition, start)])
    try:
        message = client.poll(clients.TIMEOUT_S)
    finally:
        client.unassign()
    if message is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    offset = message.offset()
    assert offset is not None
    return offset
