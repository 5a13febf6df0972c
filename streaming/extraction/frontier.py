"""Up to when the store is complete: the gate judges and the store writes some time after a session arrived.

An extraction must not run past what MongoDB holds, or a session written later, with an earlier arrival, would
be skipped for ever. No safety margin can promise that through an outage; the committed offsets of the stages
can. So the extraction waits until the gate has judged every message that arrived before the moment asked for,
and then until the store has acknowledged everything the gate had written by then.
"""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from streaming.adapters import kafka
from streaming.events import topics
from streaming.settings import KafkaSettings

GATE, STORE = "gate", "store"
"""Consumer groups of the two stages."""
CLOCK_SKEW_MS = 2_000
"""How far the broker's clock, which stamps arrivals, may run behind ours, replication included."""
_POLL_S = 1.0


class Behind(RuntimeError):
    """A stage did not get past what it had to within the time allowed; the text says which and how far it
    is."""


def wait(settings: KafkaSettings, until_ms: int, timeout_s: float) -> None:
    """Returns when every valid session with arrivedAtMs < `until_ms` is in MongoDB. Raises Behind after
    `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    time.sleep(max(0.0, (until_ms + CLOCK_SKEW_MS) / 1000 - time.time()))
    raw, valid = (kafka.name(settings, topic) for topic in (topics.RAW, topics.VALID))
    # Ends are asked for uncommitted: the gate's commit shows in its offsets before it shows in its output.
    looker = kafka.consumer(settings, STORE, **{"isolation.level": "read_uncommitted"})
    try:
        _pass(settings, GATE, raw, _offsets_at(looker, raw, until_ms), deadline)
        _pass(settings, STORE, valid, _ends(looker, valid), deadline)
    finally:
        looker.close()


def _ends(client: Consumer, topic: str) -> dict[int, int]:
    if not (ends := kafka.end_offsets(client, topic)):
        raise Behind(f"The cluster shows no topic {topic}: start the stages first, they make it.")
    return ends


def _offsets_at(client: Consumer, topic: str, moment_ms: int) -> dict[int, int]:
    """By partition, the offset of the first record stamped `moment_ms` or later, or the end."""
    ends = _ends(client, topic)
    asked = [TopicPartition(topic, partition, moment_ms) for partition in ends]
    found = client.offsets_for_times(asked, timeout=kafka.TIMEOUT_S)
    return {tp.partition: tp.offset if tp.offset >= 0 else ends[tp.partition] for tp in found}


def _pass(settings: KafkaSettings, group: str, topic: str, goals: dict[int, int], deadline: float) -> None:
    """Returns when `group` has committed past every committed record of `topic` before `goals`."""
    client = kafka.consumer(settings, group, **{"enable.partition.eof": True})
    try:
        while behind := {p: goal for p, goal in goals.items() if not _passed(client, topic, p, goal)}:
            if time.monotonic() > deadline:
                raise Behind(
                    f"The stage `{group}` has not got past offset {behind} of {topic} in time."
                    " Is it running? `./vitrine status` shows it; the next run will take up what is missing."
                )
            time.sleep(_POLL_S)
    finally:
        client.close()


def _passed(client: Consumer, topic: str, partition: int, goal: int) -> bool:
    """Whether no record stands between the offset that the client's group committed and `goal`. Offsets alone
    cannot tell: transaction markers take offsets too, and no consumer ever commits past a trailing one."""
    [committed] = client.committed([TopicPartition(topic, partition)], timeout=kafka.TIMEOUT_S)
    low, _ = client.get_watermark_offsets(TopicPartition(topic, partition), timeout=kafka.TIMEOUT_S)
    start = max(low, committed.offset)  # a group that never committed shows a negative offset
    if start >= goal:
        return True
    return _next_offset(client, TopicPartition(topic, partition, start)) >= goal


def _next_offset(client: Consumer, start: TopicPartition) -> int:
    """The offset of the first committed record from `start` on, or the end of what is committed."""
    client.assign([start])
    try:
        message = client.poll(kafka.TIMEOUT_S)
        if message is None:
            raise KafkaException(KafkaError._TIMED_OUT)
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        offset = message.offset()
        assert offset is not None
        return offset
    finally:
        client.unassign()
