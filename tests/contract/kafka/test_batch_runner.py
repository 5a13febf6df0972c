"""The laws of the batch runner under gate, store and index: one suite over both kinds of stage, on the
in-memory and the real broker.

Whatever happens, nothing is skipped, and what is committed was written before; a record that is written twice
was not committed in between.
"""

import itertools
import logging
import threading
from collections import defaultdict

import pytest
from support.batch_runners import BATCH_SIZE, Broker, Crash, GateRunner, Runner, SinkRunner, Store
from waiting import until

from streaming.kafka import batch_runner

PARTITIONS = 3


@pytest.fixture(params=[SinkRunner, GateRunner])
def stage(request: pytest.FixtureRequest) -> type[Runner]:
    kind: type[Runner] = request.param
    return kind


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_runner, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(batch_runner, "LONGEST_PAUSE_S", 0.02)


def available() -> Store:
    return Store(itertools.repeat(False))


def by_partition(store: Store) -> dict[int, list[int]]:
    offsets: dict[int, list[int]] = defaultdict(list)
    for (partition, offset), _ in store.written:
        offsets[partition].append(offset)
    return offsets


def written_to(store: Store) -> dict[int, int]:
    """By partition, the offset before which everything was written."""
    held = by_partition(store)
    return {at: next(n for n in itertools.count() if n not in held[at]) for at in range(PARTITIONS)}


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
    assert {value for _, value in store.written} == {value for values in sent.values() for value in values}
    assert all(sent[partition][offset] == value for (partition, offset), value in store.written)
    for offsets in by_partition(store).values():
        assert list(dict.fromkeys(offsets)) == sorted(set(offsets)), "another order than the log's"


def test_every_record_is_written_once_and_in_order(broker: Broker, stage: type[Runner]) -> None:
    sent, store = load(broker), available()
    runner = stage(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    assert len(store.written) == sum(map(len, sent.values()))
    assert max(map(len, store.attempts)) <= BATCH_SIZE


def test_an_attempt_is_repeated_until_the_store_is_available(broker: Broker, stage: type[Runner]) -> None:
    """Before that of any later batch."""
    sent, store = load(broker), Store(itertools.cycle([True, True, False]))
    runner = stage(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    assert len(store.written) == sum(map(len, sent.values()))
    thirds = zip(store.attempts[::3], store.attempts[1::3], store.attempts[2::3], strict=True)
    assert all(first == second == third for first, second, third in thirds)


def test_nothing_is_committed_before_it_was_written(broker: Broker, stage: type[Runner]) -> None:
    sent, store = load(broker), Store(itertools.cycle([False, True, False]))
    seen: list[str] = []

    def on_step(step: str) -> None:
        seen.append(step)
        committed, written = broker.committed(), written_to(store)
        assert all(committed[at] <= written[at] for at in committed), step

    runner = stage(broker, store, on_step)
    until_committed(broker, sent)
    runner.end()
    ends = [step for step in seen if step in ("written", "committed")]
    assert ends == ["written", "committed"] * (len(ends) // 2)
    assert seen.count("read") == seen.count("committed")


def test_on_stop_it_finishes_the_batch_in_hand(broker: Broker, stage: type[Runner]) -> None:
    store = available()
    runner = stage(broker, store)
    store.on_write = runner.stop.set
    load(broker)
    runner.join()
    assert store.written
    assert broker.committed() == written_to(store)


def test_on_stop_while_the_store_is_unavailable_it_commits_nothing(
    broker: Broker, stage: type[Runner]
) -> None:
    load(broker)
    store = Store(itertools.repeat(True))
    runner = stage(broker, store)
    until(lambda: len(store.attempts) > 2, "some attempts")
    runner.end()
    assert store.written == []
    assert set(broker.committed().values()) == {0}


def test_after_a_crash_the_next_reader_starts_at_what_is_committed(
    broker: Broker, stage: type[Runner]
) -> None:
    """What was written and not committed is written again; nothing is skipped."""
    sent, store, steps = load(broker), available(), itertools.count()

    def on_step(step: str) -> None:
        if step == "written" and next(steps) == 2:
            raise Crash

    stage(broker, store, on_step).join()
    committed, written = broker.committed(), written_to(store)
    assert (sum(committed.values()) < sum(written.values())) is not stage.writes_once
    runner = stage(broker, store)
    until_committed(broker, sent)
    runner.end()
    assert_written(store, sent)
    offsets = by_partition(store)
    assert all(offsets[at].count(n) == 1 for at in offsets for n in range(committed[at]))
    assert (len(store.written) > sum(map(len, sent.values()))) is not stage.writes_once


def unavailable_until(back: threading.Event) -> Store:
    return Store(not back.is_set() for _ in itertools.count())


def test_a_rebalance_in_the_middle_skips_nothing(broker: Broker, stage: type[Runner]) -> None:
    """One more member comes while the store is unavailable, and the first one leaves while there is work."""
    back = threading.Event()
    store, second_store = unavailable_until(back), available()
    sent = load(broker)
    first = stage(broker, store)
    until(lambda: store.attempts, "a first attempt")
    second = stage(broker, second_store)
    until(lambda: second_store.written, "work of the second one")
    back.set()
    more = load(broker)
    first.end()
    both = {partition: sent[partition] + more[partition] for partition in sent}
    until_committed(broker, both)
    second.end()
    for partition in range(PARTITIONS):
        written = [o for one in (store, second_store) for o in by_partition(one)[partition]]
        assert set(written) == set(range(len(both[partition]))), "skipped"
        assert not stage.writes_once or len(written) == len(both[partition]), "written twice"


def assigned(caplog: pytest.LogCaptureFixture) -> list[list[int]]:
    """The partitions of each assignment."""
    return [
        sorted(vars(record)["partitions"]) for record in caplog.records if record.msg == "partitions_assigned"
    ]


def test_partitions_that_come_while_the_store_is_unavailable_are_read_from_their_beginning(
    broker: Broker, stage: type[Runner], caplog: pytest.LogCaptureFixture
) -> None:
    """The member that had them leaves without having written any of it."""
    caplog.set_level(logging.INFO, batch_runner.__name__)
    back = threading.Event()
    store, others = unavailable_until(back), Store(itertools.repeat(True))
    sent = load(broker)
    leaving, staying = stage(broker, others), stage(broker, store)
    until(lambda: store.attempts and others.attempts, "attempts of both")
    caplog.clear()
    leaving.end()
    until(lambda: list(range(PARTITIONS)) in assigned(caplog), "all partitions at the one that stays")
    back.set()
    until_committed(broker, sent)
    staying.end()
    assert_written(store, sent)
