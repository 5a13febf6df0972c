"""The laws of the batch runner under store and indexer: one suite over the in-memory and the real broker.

Whatever happens, nothing is skipped, and what is committed was written before; what is written twice was not
committed in between.
"""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

import pytest
from waiting import HUNG_S, until

from streaming.kafka import sink_runner
from streaming.kafka.sink_runner import OnStep, SinkSettings, run_sink
from streaming.stores import StoreUnavailable

PARTITIONS = 3
SETTINGS = SinkSettings(batch_size=7, linger_ms=20, session_timeout_ms=6_000)
NOT_YET = StoreUnavailable("away")


class Broker(Protocol):
    """A topic of three partitions and one consumer group on it."""

    def send(self, partition: int, values: Sequence[bytes]) -> None: ...
    def member(self, settings: SinkSettings) -> Any: ...
    def committed(self) -> dict[int, int]: ...


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_runner, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(sink_runner, "LONGEST_DELAY_S", 0.02)


Place = tuple[int, int, bytes]


class Store:
    """What was written, in order, by whomever; `fails` says of each attempt whether the store is away."""

    def __init__(self, fails: Iterator[bool] | None = None) -> None:
        self.fails = fails or itertools.repeat(False)
        self.attempts: list[list[Place]] = []
        self.written: list[Place] = []
        self.on_write: Callable[[], None] = lambda: None

    def write(self, batch: list[Place]) -> None:
        self.attempts.append(batch)
        if next(self.fails):
            raise NOT_YET
        self.written.extend(batch)
        self.on_write()

    def by_partition(self) -> dict[int, list[int]]:
        offsets: dict[int, list[int]] = defaultdict(list)
        for partition, offset, _ in self.written:
            offsets[partition].append(offset)
        return offsets

    def written_to(self) -> dict[int, int]:
        """By partition, the offset before which everything was written."""
        ends = {}
        for partition in range(PARTITIONS):
            held = {offset for at, offset, _ in self.written if at == partition}
            ends[partition] = next(n for n in itertools.count() if n not in held)
        return ends


def read(messages: Sequence[Any]) -> list[Place]:
    return [(message.partition(), message.offset(), message.value()) for message in messages]


class Runner:
    """One member of the group at work in a thread of its own."""

    def __init__(self, broker: Broker, store: Store, passing: OnStep = lambda step: None) -> None:
        self.stop, self.member = threading.Event(), broker.member(SETTINGS)
        self._store, self._passing = store, passing
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with suppress(Crash):
                run_sink(self.member, read, self._store.write, SETTINGS, self.stop, self._passing)
        finally:
            self.member.close()

    def end(self) -> None:
        self.stop.set()
        self.join()

    def join(self) -> None:
        self._thread.join(HUNG_S)
        assert not self._thread.is_alive()


class Crash(Exception):
    pass


def load(broker: Broker, count: int = 50) -> dict[int, list[bytes]]:
    sent = {
        partition: [b"%d:%d" % (partition, n) for n in range(count + partition)]
        for partition in range(PARTITIONS)
    }
    for partition, values in sent.items():
        broker.send(partition, values)
    return sent


def until_committed(broker: Broker, sent: dict[int, list[bytes]]) -> None:
    ends = {partition: len(values) for partition, values in sent.items()}
    until(lambda: broker.committed() == ends, f"{ends} committed", lambda: str(broker.committed()))


def assert_written(store: Store, sent: dict[int, list[bytes]]) -> None:
    """Everything as it was sent; the first time in its partition's order."""
    assert {value for _, _, value in store.written} == {value for values in sent.values() for value in values}
    assert all(sent[partition][offset] == value for partition, offset, value in store.written)
    for offsets in store.by_partition().values():
        assert list(dict.fromkeys(offsets)) == sorted(set(offsets)), "another order than the log's"


def test_every_record_is_written_once_and_in_order(broker: Broker) -> None:
    sent, store = load(broker), Store()
    runner = Runner(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    assert len(store.written) == sum(map(len, sent.values()))
    assert max(map(len, store.attempts)) <= SETTINGS.batch_size


def test_a_batch_is_given_again_until_the_store_is_back(broker: Broker) -> None:
    """Before anything that comes after it."""
    sent, store = load(broker), Store(fails=itertools.cycle([True, True, False]))
    runner = Runner(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    assert len(store.written) == sum(map(len, sent.values()))
    for first, again, last in zip(
        store.attempts[::3], store.attempts[1::3], store.attempts[2::3], strict=True
    ):
        assert first == again[: len(first)]
        assert again == last[: len(again)]


def test_nothing_is_committed_before_it_was_written(broker: Broker) -> None:
    sent, store = load(broker), Store(fails=itertools.cycle([False, True, False]))
    seen: list[str] = []

    def passing(step: str) -> None:
        seen.append(step)
        committed, written = broker.committed(), store.written_to()
        assert all(committed[at] <= written[at] for at in committed), step

    runner = Runner(broker, store, passing)
    until_committed(broker, sent)
    runner.end()
    settled = [step for step in seen if step != "read"]
    assert settled == ["written", "committed"] * (len(settled) // 2)
    assert seen.count("read") == seen.count("committed")


def test_told_to_stop_it_finishes_the_batch_in_hand(broker: Broker) -> None:
    store = Store()
    load(broker)
    runner = Runner(broker, store)
    store.on_write = runner.stop.set
    runner.join()
    assert store.written
    assert broker.committed() == store.written_to()


def test_told_to_stop_while_the_store_is_away_it_commits_nothing(broker: Broker) -> None:
    load(broker)
    store = Store(fails=itertools.repeat(True))
    runner = Runner(broker, store)
    until(lambda: len(store.attempts) > 2, "some attempts")
    runner.end()
    assert store.written == []
    assert set(broker.committed().values()) == {0}


def test_whoever_comes_after_a_crash_goes_on_where_it_was_committed(broker: Broker) -> None:
    """What was written and not committed is written again; nothing is skipped."""
    sent, store, steps = load(broker), Store(), itertools.count()

    def passing(step: str) -> None:
        if step == "written" and next(steps) == 2:
            raise Crash

    Runner(broker, store, passing).join()
    committed, written = broker.committed(), store.written_to()
    assert sum(committed.values()) < sum(written.values())
    runner = Runner(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    offsets = store.by_partition()
    assert all(offsets[at].count(n) == 1 for at in offsets for n in range(committed[at]))
    assert len(store.written) > sum(map(len, sent.values()))


def test_a_rebalance_in_the_middle_skips_nothing(broker: Broker) -> None:
    """One more member comes while the store is away, and the first one leaves while there is work."""
    first_away = threading.Event()
    store, second_store = Store(fails=iter(lambda: not first_away.is_set(), None)), Store()
    sent = load(broker)
    first = Runner(broker, store)
    until(lambda: store.attempts, "a first attempt")
    second = Runner(broker, second_store)
    until(lambda: second_store.written, "work of the second one")
    first_away.set()
    more = load(broker)
    first.end()
    both = {partition: sent[partition] + more[partition] for partition in sent}
    until_committed(broker, both)
    second.end()
    for partition in range(PARTITIONS):
        written = {o for one in (store, second_store) for o in one.by_partition()[partition]}
        assert written == set(range(len(both[partition]))), "skipped"


def test_partitions_that_come_while_the_store_is_away_are_read_from_their_beginning(broker: Broker) -> None:
    """Whoever had them leaves without having written any of it."""
    back = threading.Event()
    store, others = Store(fails=iter(lambda: not back.is_set(), None)), Store(fails=itertools.repeat(True))
    sent = load(broker)
    leaving, staying = Runner(broker, others), Runner(broker, store)
    until(lambda: store.attempts and others.attempts, "attempts of both")
    leaving.end()
    until(lambda: len(staying.member.assignment()) == PARTITIONS, "all partitions at the one that stays")
    back.set()
    until_committed(broker, sent)
    staying.end()
    assert_written(store, sent)
