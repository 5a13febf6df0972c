"""How far each partition was read, through assignments and what a client still delivers after them."""

from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaException, TopicPartition

from streaming.kafka.assignment import Assignment


class Failure:
    def __init__(self, fatal: bool) -> None:
        self._fatal = fatal

    def fatal(self) -> bool:
        return self._fatal

    def str(self) -> str:
        return "broken"


class FakeMessage:
    def __init__(self, partition: int, offset: int, failure: Failure | None = None) -> None:
        self._partition, self._offset, self._failure = partition, offset, failure

    def error(self) -> Failure | None:
        return self._failure

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset


class FakeConsumer:
    """A group that has committed offset 5 of partition 0 and nothing of partition 1."""

    def __init__(self) -> None:
        self.offsets = {0: 5}
        self.started: dict[int, int] = {}

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [
            TopicPartition("t", at.partition, self.offsets.get(at.partition, OFFSET_INVALID), "state")
            for at in partitions
        ]

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.started = {at.partition: at.offset for at in partitions}

    def unassign(self) -> None:
        self.started = {}

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", partition) for partition in self.started]


@pytest.fixture
def consumer() -> FakeConsumer:
    return FakeConsumer()


@pytest.fixture
def assignment(consumer: FakeConsumer) -> Assignment:
    assignment = Assignment(consumer)  # type: ignore[arg-type]
    assignment.add([TopicPartition("t", 0), TopicPartition("t", 1)])
    return assignment


def taken(assignment: Assignment, *messages: FakeMessage) -> list[tuple[Any, Any]]:
    read = assignment.take(messages)  # type: ignore[arg-type]
    return [(message.partition(), message.offset()) for message in read.messages]


def test_reading_begins_at_the_committed_offsets(assignment: Assignment, consumer: FakeConsumer) -> None:
    assert consumer.started == {0: 5, 1: OFFSET_BEGINNING}


def test_a_batch_states_where_reading_was_before_and_after_it(assignment: Assignment) -> None:
    read = assignment.take([FakeMessage(0, 5), FakeMessage(0, 8)])  # type: ignore[list-item]
    assert (read.begins, read.ends) == ({("t", 0): 5}, {("t", 0): 9})
    assert read
    assert not assignment.take([])


def test_what_was_delivered_before_or_belongs_to_others_is_passed_over(assignment: Assignment) -> None:
    assert taken(assignment, FakeMessage(0, 4), FakeMessage(0, 5), FakeMessage(0, 5)) == [(0, 5)]
    assignment.drop([TopicPartition("t", 0)])
    assert taken(assignment, FakeMessage(0, 6), FakeMessage(1, 0)) == [(1, 0)]


def test_a_rewind_goes_back_to_what_is_committed(assignment: Assignment, consumer: FakeConsumer) -> None:
    taken(assignment, FakeMessage(0, 5), FakeMessage(0, 6))
    consumer.offsets[0] = 6
    assert {at.partition: at.offset for at in assignment.rewind()} == {0: 6, 1: OFFSET_INVALID}
    assert consumer.started == {0: 6, 1: OFFSET_BEGINNING}
    assert taken(assignment, FakeMessage(0, 5), FakeMessage(0, 6)) == [(0, 6)]


def test_without_partitions_there_is_nothing_to_rewind(consumer: FakeConsumer) -> None:
    assert Assignment(consumer).rewind() == []  # type: ignore[arg-type]
    assert consumer.started == {}


def test_an_error_that_will_pass_is_passed_over_and_a_fatal_one_raised(assignment: Assignment) -> None:
    assert taken(assignment, FakeMessage(0, 5, Failure(fatal=False)), FakeMessage(0, 6)) == [(0, 6)]
    with pytest.raises(KafkaException):
        taken(assignment, FakeMessage(0, 7, Failure(fatal=True)))


def test_suspended_it_reads_nothing_and_goes_on_after_what_was_taken(
    assignment: Assignment, consumer: FakeConsumer
) -> None:
    taken(assignment, FakeMessage(0, 5), FakeMessage(0, 8))
    assignment.suspend()
    assert consumer.started == {}
    assignment.resume()
    assert consumer.started == {0: 9, 1: 0}


def test_without_partitions_there_is_nothing_to_resume(consumer: FakeConsumer) -> None:
    """An empty assignment would answer a question of the group's that the client has not passed on yet."""
    consumer.started = {7: 0}
    Assignment(consumer).resume()  # type: ignore[arg-type]
    assert consumer.started == {7: 0}
