"""How far a topic goes, how far a stage has got in it, and waiting for either."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from streaming.kafka import clients
from streaming.kafka.partitions import (
    POLL_S,
    TIMEOUT_S,
    committed_offsets,
    end_offsets,
    first_and_end,
    next_record,
    partitions_of,
)
from streaming.settings import KafkaSettings

_ASK_AGAIN_S = 0.5


class StageBehind(RuntimeError):
    """A stage did not get past what it had to within the time allowed; the text says which, and how far."""


def starts(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """By partition of `topic`, the first offset that retention has left."""
    with closing(clients.consumer(settings, "progress")) as client:
        partitions = partitions_of(client, clients.name(settings, topic))
        return {at.partition: first_and_end(client, at)[0] for at in partitions}


def ends(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """By partition of `topic`, the offset after the last record, records of open transactions included: a
    stage may have committed its place before its transaction shows."""
    uncommitted = {"isolation.level": "read_uncommitted"}
    with closing(clients.consumer(settings, "progress", **uncommitted)) as client:
        return end_offsets(client, clients.name(settings, topic))


def offsets_at(settings: KafkaSettings, topic: str, moment_ms: int) -> dict[int, int]:
    """By partition of `topic`, the offset of the first record stamped `moment_ms` or later, or the end."""
    last = ends(settings, topic)
    name = clients.name(settings, topic)
    with closing(clients.consumer(settings, "progress")) as client:
        asked = [TopicPartition(name, partition, moment_ms) for partition in last]
        found = client.offsets_for_times(asked, timeout=TIMEOUT_S)
    return {tp.partition: tp.offset if tp.offset >= 0 else last[tp.partition] for tp in found}


def committed(settings: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """By partition of `topic`, the offset up to which `group` says it has read; 0 where it never did."""
    with closing(clients.consumer(settings, group)) as client:
        found = committed_offsets(client, partitions_of(client, clients.name(settings, topic)))
    return {at.partition: max(at.offset, 0) for at in found}


def lag(settings: KafkaSettings, group: str, topics: Sequence[str]) -> int:
    """Offsets from the first visible record of `topics` that `group` has not committed to the end of what is
    visible now; 0 if it has seen all. Raises KafkaException if the cluster cannot be asked."""
    with closing(_looking(settings, group)) as client:
        return sum(
            sum(_behind(client, name, end_offsets(client, name)).values())
            for name in (clients.name(settings, topic) for topic in topics)
        )


def wait_visible(settings: KafkaSettings, topic: str, deadline_s: float = math.inf) -> dict[int, int]:
    """Waits until no transaction is open on what `topic` holds now, and returns its ends: an open one, of a
    writer that died too, hides what others wrote after it until it is decided. Raises StageBehind when
    time.monotonic() has come to `deadline_s`."""
    goals, name = ends(settings, topic), clients.name(settings, topic)
    with closing(clients.consumer(settings, "progress")) as client:
        while True:
            visible = end_offsets(client, name)
            if all(visible[partition] >= goal for partition, goal in goals.items()):
                return goals
            if time.monotonic() > deadline_s:
                raise StageBehind(f"A transaction on {name} stays open and hides its end.")
            time.sleep(POLL_S)


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
    StageBehind when time.monotonic() has come to `deadline_s`."""
    name = clients.name(settings, topic)
    with closing(_looking(settings, group)) as client:
        while behind := _behind(client, name, goals):
            if time.monotonic() > deadline_s:
                raise StageBehind(
                    f"The stage `{group}` is {sum(behind.values())} offsets behind in {name}. Does it run?"
                    " `./vitrine status` shows it, `./vitrine logs` says what it waits for."
                )
            tell(behind)
            time.sleep(_ASK_AGAIN_S)


def _looking(settings: KafkaSettings, group: str) -> Consumer:
    """A client that asks for `group` and joins it not."""
    return clients.consumer(settings, group, **{"enable.partition.eof": True, "fetch.wait.max.ms": 10})


def _behind(client: Consumer, topic: str, goals: Mapping[int, int]) -> dict[int, int]:
    """By partition, how many offsets before its goal the first record stands that the client's group has not
    committed past; partitions that are through are left out."""
    asked = [TopicPartition(topic, partition) for partition in goals]
    behind = {}
    for done in committed_offsets(client, asked) if asked else ():
        goal, first = goals[done.partition], first_and_end(client, done)[0]
        at = max(first, done.offset)  # a group that never committed shows a negative offset
        if at < goal:
            at, _ = next_record(client, TopicPartition(topic, done.partition, at))
        if at < goal:
            behind[done.partition] = goal - at
    return behind
