"""The partitions that a consumer holds, and how far it has read each of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, Message, TopicPartition

from streaming.kafka.committed_log import read_committed_offsets
from streaming.kafka.records import records

Partition = tuple[str | None, int | None]
"""Full topic name and number, as a message has them."""
_NOT_HELD = 1 << 63


@dataclass(frozen=True)
class Records:
    """Records that were read together, in the order of their partitions.

    `begins` and `ends`: for each partition that has records here, the offset of the next record before and
    after they were read."""

    messages: list[Message]
    begins: dict[Partition, int]
    ends: dict[Partition, int]

    def __bool__(self) -> bool:
        return bool(self.messages)


class Assignment:
    """Every partition is read from the offset that the group has committed for it."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._next: dict[Partition, int] = {}

    def add(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Begins to read `partitions`. Returns what is committed of them (a negative offset: nothing)."""
        found = read_committed_offsets(self._consumer, partitions)
        self._next |= {(at.topic, at.partition): max(at.offset, 0) for at in found}
        self._consumer.assign(_starts(found))
        return found

    def drop(self, partitions: Iterable[TopicPartition]) -> None:
        """Forgets `partitions`, which were revoked."""
        for at in partitions:
            self._next.pop((at.topic, at.partition), None)

    def rewind(self) -> list[TopicPartition]:
        """Goes back to the committed offsets, and returns them as `add` does."""
        held = [_place(at) for at in self._next]
        return self.add(held) if held else []

    def suspend(self) -> None:
        """Reads no further, but stays in the group. Not by the client's pause: librdkafka loses a resume that
        comes close to an assignment, and the partition is never read again (its issue 5591)."""
        if self._consumer.assignment():
            self._consumer.unassign()

    def resume(self) -> None:
        """Goes on after the last record that `take` has returned. Does nothing if no partition is held: the
        group may be about to deal some."""
        if self._next:
            self._consumer.assign([_place(at, offset) for at, offset in self._next.items()])

    def take(self, messages: Sequence[Message]) -> Records:
        """The records among `messages` that come next. Raises KafkaException on a fatal error."""
        begins, reached = dict(self._next), self._next
        taken: list[Message] = []
        for message in records(messages):
            partition, offset = (message.topic(), message.partition()), message.offset()
            # Records fetched before a partition was revoked may be delivered afterwards, or twice.
            if offset is not None and offset >= reached.get(partition, _NOT_HELD):
                reached[partition] = offset + 1
                taken.append(message)
        ends = {partition: end for partition, end in reached.items() if end != begins[partition]}
        return Records(taken, {partition: begins[partition] for partition in ends}, ends)


def _place(at: Partition, offset: int = OFFSET_INVALID) -> TopicPartition:
    topic, partition = at
    return TopicPartition(topic or "", partition or 0, offset)


def _starts(committed: Iterable[TopicPartition]) -> list[TopicPartition]:
    return [
        TopicPartition(at.topic, at.partition, at.offset if at.offset >= 0 else OFFSET_BEGINNING)
        for at in committed
    ]
