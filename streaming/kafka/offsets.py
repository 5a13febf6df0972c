"""Where a topic ends, what a stage has committed of it, and waiting for either."""

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

_POLL_GROUP_S = 0.5


class StageBehind(RuntimeError):
    """A stage did not commit far enough within the time allowed; the text says which, and how far."""


def starts(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """Returns, by partition of `topic`, the first offset that retention has left."""
    with closing(clients.looking_consumer(settings, "progress")) as client:
        partitions = partitions_of(client, clients.name(settings, topic))
        return {at.partition: first_and_end(client, at)[0] for at in partitions}


def ends(settings: KafkaSettings, topic: str) -> dict[int, int]:
    """Returns, by partition of `topic`, the offset after the last record, including records of open
    transactions: a stage may have committed offsets before its transaction is visible."""
    uncommitted = {"isolation.level": "read_uncommitted"}
    with closing(clients.looking_consumer(settings, "progress", **uncommitted)) as client:
        return end_offsets(client, clients.name(settings, topic))


def offsets_at(settings: KafkaSettings, topic: str, moment_ms: int) -> dict[int, int]:
    """Returns, by partition of `topic`, the offset of the first record stamped `moment_ms` or later, or the
    end."""
    last = ends(settings, topic)
    name = clients.name(settings, topic)
    with closing(clients.looking_consumer(settings, "progress")) as client:
        moments = [TopicPartition(name, partition, moment_ms) for partition in last]
        found = client.offsets_for_times(moments, timeout=TIMEOUT_S)
    return {tp.partition: tp.offset if tp.offset >= 0 else last[tp.partition] for tp in found}


def committed(settings: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """Returns, by partition of `topic`, the offset that `group` has committed; 0 where it never did."""
    with closing(clients.looking_consumer(settings, group)) as client:
        found = committed_offsets(client, partitions_of(client, clients.name(settings, topic)))
    return {at.partition: max(at.offset, 0) for at in found}


def lag(settings: KafkaSettings, group: str, topics: Sequence[str]) -> int:
    """Returns the consumer lag of `group` on `topics`: the offsets between the first visible record that it
    has not committed and the end of what is visible now. Raises KafkaException if Kafka does not answer."""
    with closing(_group_client(settings, group)) as client:
        return sum(
            sum(_behind(client, name, end_offsets(client, name)).values())
            for name in (clients.name(settings, topic) for topic in topics)
        )


def wait_visible(settings: KafkaSettings, topic: str, deadline_s: float = math.inf) -> dict[int, int]:
    """Waits until every record now in `topic` is visible, and returns its ends. An open transaction, even of
    a writer that died, hides whatever was written after it. Raises StageBehind at `deadline_s`
    (monotonic)."""
    goals, name = ends(settings, topic), clients.name(settings, topic)
    with closing(clients.looking_consumer(settings, "progress")) as client:
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
    report: Callable[[dict[int, int]], None] = lambda behind: None,
) -> None:
    """Returns when `group` has committed every record of `topic` before `goals` (by partition) that will ever
    be visible. `report` is called now and then with the lag of each partition that is behind. Raises
    StageBehind at `deadline_s` (monotonic)."""
    name = clients.name(settings, topic)
    with closing(_group_client(settings, group)) as client:
        while behind := _behind(client, name, goals):
            if time.monotonic() > deadline_s:
                raise StageBehind(
                    f"The stage `{group}` is {sum(behind.values())} offsets behind in {name}. Is it running?"
                    " See `./vitrine status`, and `./vitrine logs` for what it waits for."
                )
            report(behind)
            time.sleep(_POLL_GROUP_S)


def _group_client(settings: KafkaSettings, group: str) -> Consumer:
    """Returns a client that asks for the offsets of `group` without joining it."""
    return clients.looking_consumer(
        settings, group, **{"enable.partition.eof": True, "fetch.wait.max.ms": 10}
    )


def _behind(client: Consumer, topic: str, goals: Mapping[int, int]) -> dict[int, int]:
    """Returns, by partition, how many offsets before its goal the first visible record is that the client's
    group has not committed. Partitions that have reached their goal are left out."""
    partitions = [TopicPartition(topic, partition) for partition in goals]
    behind = {}
    for done in committed_offsets(client, partitions) if partitions else ():
        goal, first = goals[done.partition], first_and_end(client, done)[0]
        at = max(first, done.offset)  # a group that never committed shows a negative offset
        if at < goal:
            at, _ = next_record(client, TopicPartition(topic, done.partition, at))
        if at < goal:
            behind[done.partition] = goal - at
    return behind
