"""The loop that fills a store commits nothing before it is written, and reads nothing while it is away."""

from collections import deque
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from confluent_kafka import KafkaException, TopicPartition

from streaming.kafka import sink_runner
from streaming.kafka.sink_runner import SinkSettings, retry_until_available, run_sink
from streaming.stores import StoreUnavailable

SETTINGS = SinkSettings(batch_size=3)


class Failure:
    def __init__(self, fatal: bool) -> None:
        self._fatal = fatal

    def fatal(self) -> bool:
        return self._fatal

    def str(self) -> str:
        return "broken"


class FakeMessage:
    def __init__(self, offset: int, partition: int = 0, failure: Failure | None = None) -> None:
        self._offset, self._partition, self._failure = offset, partition, failure

    def error(self) -> Failure | None:
        return self._failure

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset


class FakeConsumer:
    """Hands out what it was given and remembers what it was told; stops the loop when nothing is left."""

    def __init__(self, messages: list[FakeMessage], stop: Event) -> None:
        self.waiting = deque(messages)
        self.stop = stop
        self.assigned = {0, 1}
        self.paused: set[int] = set()
        self.committed: list[dict[int, int]] = []
        self.arriving: list[FakeMessage] = []
        self.refuse_commits = False
        self.empty_reads = 0

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", partition) for partition in sorted(self.assigned)]

    def consume(self, count: int, timeout: float) -> list[FakeMessage]:
        assert not self.paused, "reads on while paused"
        if not self.waiting:
            self.empty_reads += 1
        if self.empty_reads == 2:  # by then what was read last is written
            self.stop.set()
        return [self.waiting.popleft() for _ in range(min(count, len(self.waiting)))]

    def poll(self, timeout: float) -> FakeMessage | None:
        assert self.paused == self.assigned, "polls without pausing"
        return self.arriving.pop() if self.arriving else None

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused = {one.partition for one in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused = set()

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        if self.refuse_commits:
            raise KafkaException(Failure(False))
        self.committed.append({one.partition: one.offset for one in offsets})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_runner, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(sink_runner, "LONGEST_DELAY_S", 0.002)


def run(reader: FakeConsumer, write: Callable[[Any], None]) -> None:
    run_sink(reader, list, write, SETTINGS, reader.stop)  # type: ignore[arg-type]


def test_each_batch_is_written_then_committed() -> None:
    reader = FakeConsumer([FakeMessage(n, n % 2) for n in range(7)], Event())
    seen: list[int] = []

    def write(batch: list[FakeMessage]) -> None:
        assert len(reader.committed) == len(seen) // 3, "committed before it was written"
        seen.extend(message.offset() for message in batch)

    run(reader, write)
    assert seen == list(range(7))
    assert reader.committed == [{0: 3, 1: 2}, {1: 6, 0: 5}, {0: 7}]


def test_while_the_store_is_away_it_holds_what_it_has_and_stays_in_its_group(quick: None) -> None:
    reader = FakeConsumer([FakeMessage(n) for n in range(6)], Event())
    attempts: list[list[int]] = []

    def write(batch: list[FakeMessage]) -> None:
        attempts.append([message.offset() for message in batch])
        if len(attempts) < 5:
            raise StoreUnavailable("away")

    run(reader, write)
    assert attempts == [[0, 1, 2]] * 5 + [[3, 4, 5]]
    assert reader.committed == [{0: 3}, {0: 6}]


def test_a_record_that_a_rebalance_brings_meanwhile_joins_the_batch(quick: None) -> None:
    reader = FakeConsumer([FakeMessage(0)], Event())
    reader.arriving = [FakeMessage(7, partition=1)]
    written: list[tuple[int, int]] = []

    def write(batch: list[FakeMessage]) -> None:
        if len(batch) < 2:
            raise StoreUnavailable("away")
        written.extend((message.partition(), message.offset()) for message in batch)

    run(reader, write)
    assert written == [(0, 0), (1, 7)]
    assert reader.committed == [{0: 1, 1: 8}]


def test_a_partition_that_went_to_another_is_not_committed() -> None:
    reader = FakeConsumer([FakeMessage(0, 0), FakeMessage(0, 1)], Event())

    def write(batch: list[FakeMessage]) -> None:
        reader.assigned = {1}

    run(reader, write)
    assert reader.committed == [{1: 1}]


def test_a_refused_commit_stops_nothing() -> None:
    reader = FakeConsumer([FakeMessage(0)], Event())
    reader.refuse_commits = True
    run(reader, lambda batch: None)
    assert reader.committed == []


def test_passing_errors_are_passed_over_and_fatal_ones_raised() -> None:
    reader = FakeConsumer([FakeMessage(0, failure=Failure(False)), FakeMessage(1)], Event())
    seen: list[int] = []
    run(reader, lambda batch: seen.extend(message.offset() for message in batch))
    assert seen == [1]
    with pytest.raises(KafkaException):
        run(FakeConsumer([FakeMessage(0, failure=Failure(True))], Event()), lambda batch: None)


def test_told_to_stop_while_the_store_is_away_it_commits_nothing(quick: None) -> None:
    reader = FakeConsumer([FakeMessage(0)], Event())

    def write(batch: list[FakeMessage]) -> None:
        reader.stop.set()
        raise StoreUnavailable("away")

    run(reader, write)
    assert reader.committed == []


def test_waits_grow_up_to_a_limit() -> None:
    waits: list[float] = []

    def attempt() -> None:
        if len(waits) < 8:
            raise StoreUnavailable("away")

    assert retry_until_available(attempt, waits.append, Event())
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_what_is_no_outage_is_raised() -> None:
    def attempt() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        retry_until_available(attempt, lambda delay_s: None, Event())


def test_each_step_is_told_as_it_is_passed() -> None:
    reader = FakeConsumer([FakeMessage(n) for n in range(4)], Event())
    told: list[str] = []

    def write(batch: list[FakeMessage]) -> None:
        pass

    run_sink(reader, list, write, SETTINGS, reader.stop, told.append)  # type: ignore[arg-type, misc]
    assert told == ["read", "read", "written", "committed", "written", "committed"]
