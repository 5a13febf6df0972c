"""Questions about partitions: their ends, their committed offsets, their records."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

TIMEOUT_S = 30.0
POLL_S = 0.1
"""How long a bounded read waits for a batch to fill; `Consumer.consume` waits that long even at the end."""


class Client(Protocol):
    """A consumer, a producer or an admin client."""

    def list_topics(self, topic: str, timeout: float) -> Any: ...


def partitions_of(client: Client, topic: str) -> list[TopicPartition]:
    """Returns the partitions of `topic` (its full name) in order. Raises KafkaException if there is none."""
    found = client.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return [TopicPartition(topic, partition) for partition in sorted(found.partitions)]


_NO_LEADER_YET = {
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""Errors that a broker returns for a moment after a topic was created."""


def first_and_end(
    client: Consumer, partition: TopicPartition, timeout_s: float = TIMEOUT_S
) -> tuple[int, int]:
    """Returns the first offset that retention has left, and the offset after the last record. For a client of
    committed records, the end is before the first open transaction."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            return client.get_watermark_offsets(partition, timeout=timeout_s)
        except KafkaException as error:
            if error.args[0].code() not in _NO_LEADER_YET or time.monotonic() > deadline_s:
                raise
            time.sleep(POLL_S)


def end_offsets(client: Consumer, topic: str) -> dict[int, int]:
    """Returns the offset after the last record of each partition of `topic` (its full name)."""
    return {at.partition: first_and_end(client, at)[1] for at in partitions_of(client, topic)}


def list_offsets(
    admin: AdminClient, partitions: Sequence[TopicPartition], spec: OffsetSpec, timeout_s: float = TIMEOUT_S
) -> dict[TopicPartition, Any]:
    """Returns the ListOffsetsResultInfo of `spec` by partition, with one request."""
    answers = admin.list_offsets(dict.fromkeys(partitions, spec), request_timeout=timeout_s)
    return {partition: answer.result(timeout_s) for partition, answer in answers.items()}


_TRANSIENT = {
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._WAIT_COORD,
}
_RETRY_S = 0.05


def committed_offsets(
    client: Consumer,
    partitions: list[TopicPartition],
    patience_s: float = TIMEOUT_S,
    timeout_s: float = TIMEOUT_S,
) -> list[TopicPartition]:
    """What the group of `client` has committed on `partitions` (a negative offset: nothing yet), with the
    metadata. Waits `patience_s` for pending transactions that hold offsets of the group, and for brokers that
    are away; raises KafkaException when that is over, or on what will not pass."""
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            found: list[TopicPartition] = client.committed(partitions, timeout=timeout_s)
            for partition in found:
                if partition.error is not None:
                    raise KafkaException(partition.error)
            return found
        except KafkaException as error:
            cause = error.args[0]
            if not (cause.retriable() or cause.code() in _TRANSIENT) or time.monotonic() > deadline_s:
                raise
        time.sleep(_RETRY_S)


def next_record(
    client: Consumer, start: TopicPartition, timeout_s: float = TIMEOUT_S
) -> tuple[int, Message | None]:
    """The first visible record at `start` or later, with its offset; the end of what is visible, and None,
    where there is none. `client` must have `enable.partition.eof`. Raises KafkaException if the cluster does
    not say.

    Only a read tells whether a stage has seen all: a transaction ends with a marker, which takes an offset
    too and which no consumer ever commits past, so that offsets alone never show a lag of nothing."""
    client.assign([start])
    try:
        message = client.poll(timeout_s)
    finally:
        client.unassign()
    if message is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    error, offset = message.error(), message.offset()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    assert offset is not None  # records and the ends of partitions have one
    return offset, message if error is None else None


def read_until(client: Consumer, start: TopicPartition, end: int, batch: int = 5_000) -> Iterator[Message]:
    """The records from `start` on that stand before offset `end`, which must be one that the client will come
    to see. `client` must have `enable.partition.eof`."""
    client.assign([start])
    while True:
        for message in client.consume(batch, timeout=POLL_S):
            error, offset = message.error(), message.offset()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                if not error.retriable():
                    raise KafkaException(error)
            elif offset is not None and offset >= end:
                return
            elif error is None:
                yield message
