"""A sink as a stage: what it prepares, writes and commits. The loop has its laws in tests/contract/kafka."""

from typing import Any

import pytest
from confluent_kafka import KafkaException, TopicPartition

from streaming.kafka.assignment import Records
from streaming.metrics.observer import NULL_OBSERVER
from streaming.sinks.stage import SinkStage
from streaming.stores import StoreUnavailable


class Refused:
    def str(self) -> str:
        return "rebalance in progress"


class Member:
    """A consumer that remembers what was committed."""

    def __init__(self) -> None:
        self.committed: list[dict[tuple[str, int], int]] = []
        self.refuses = False

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        if self.refuses:
            raise KafkaException(Refused())
        self.committed.append({(one.topic, one.partition): one.offset for one in offsets})


class Sink:
    """A store that is unavailable for the next so many writes."""

    def __init__(self) -> None:
        self.prepared, self.fails = 0, 0

    def prepare(self) -> None:
        self.prepared += 1

    def read(self, messages: Any) -> list[str]:
        return [str(message) for message in messages]

    def write(self, documents: list[str]) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreUnavailable("unavailable")


READ: Any = Records(["a", "b"], {("t", 0): 4, ("u", 1): 0}, {("t", 0): 5, ("u", 1): 1})  # type: ignore[list-item]


@pytest.fixture
def member() -> Member:
    return Member()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def steps() -> list[str]:
    return []


@pytest.fixture
def stage(member: Member, sink: Sink, steps: list[str]) -> SinkStage[list[str]]:
    return SinkStage(member, sink, steps.append, NULL_OBSERVER)  # type: ignore[arg-type]


def test_it_commits_the_offset_after_the_batch_on_each_partition(
    stage: SinkStage[list[str]], member: Member, steps: list[str]
) -> None:
    batch = stage.read(READ)
    assert batch.documents == ["a", "b"]
    stage.attempt(batch)
    assert member.committed == []
    stage.commit(batch, None, 0.0)
    assert member.committed == [{("t", 0): 5, ("u", 1): 1}]
    assert steps == ["written", "committed"]


def test_a_refused_commit_stops_nothing(stage: SinkStage[list[str]], member: Member) -> None:
    member.refuses = True
    stage.commit(stage.read(READ), None, 0.0)
    assert member.committed == []


def test_the_store_is_prepared_once_until_it_is_unavailable(stage: SinkStage[list[str]], sink: Sink) -> None:
    """It may come back empty."""
    stage.prepare()
    stage.idle()
    stage.attempt(stage.read(READ))
    assert sink.prepared == 1
    sink.fails = 1
    with pytest.raises(StoreUnavailable):
        stage.attempt(stage.read(READ))
    stage.prepare()
    assert sink.prepared == 2
