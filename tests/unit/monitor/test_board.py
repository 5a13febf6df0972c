"""The history contains the last results of the probes and drops old ones; a failing probe stops no other."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waiting import HUNG_S

from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.monitor.probe import HUNG, Probe, start
from streaming.monitor.probe_history import ProbeHistory


@dataclass
class Clock:
    ms: int = 0

    def __call__(self) -> int:
        return self.ms


def lag(records: int, seconds: float = 0, stage: str = "gate", partition: str = "0") -> list[Reading]:
    labels = {"stage": stage, "topic": "t", "partition": partition}
    return [Reading(catalogue.LAG_RECORDS, records, labels), Reading(catalogue.LAG_SECONDS, seconds, labels)]


def standing(history: ProbeHistory) -> list[tuple[str, float]]:
    return [(one.metric, one.value) for one in history.recent().readings]


def test_lag_is_summed_over_partitions_and_its_age_is_the_greatest() -> None:
    clock = Clock(7)
    history = ProbeHistory(1_000, clock)
    history.record("kafka", lag(2, 5.0) + lag(3, 9.0, partition="1") + lag(4, 1.0, stage="store"))
    plots = {(one.metric, one.of): one.points for one in history.recent().plots}
    assert plots == {
        ("vitrine_lag_records", "gate"): [(7, 5)],
        ("vitrine_lag_seconds", "gate"): [(7, 9)],
        ("vitrine_lag_records", "store"): [(7, 4)],
        ("vitrine_lag_seconds", "store"): [(7, 1)],
    }


def test_old_values_are_dropped() -> None:
    clock = Clock()
    history = ProbeHistory(1_000, clock)
    for clock.ms in (0, 600, 1_200, 1_800):
        history.record("kafka", lag(clock.ms))
    [records, _] = history.recent().plots
    assert records.points == [(1_200, 1_200), (1_800, 1_800)]
    clock.ms = 9_000
    history.record_failure("redis", "gone")
    assert history.recent().plots == []


def test_while_a_probe_fails_only_its_own_readings_are_missing() -> None:
    history = ProbeHistory(1_000, Clock())
    history.record("kafka", lag(1)[:1])
    history.record("redis", [Reading(catalogue.DISTINCT_USERS, 9)])
    history.record_failure("kafka", "timed out")
    assert standing(history) == [
        ("vitrine_probe_up", 0.0),
        ("vitrine_probe_up", 1.0),
        ("vitrine_distinct_users", 9),
    ]
    assert [(one.probe, one.away) for one in history.recent().probes] == [
        ("kafka", "timed out"),
        ("redis", None),
    ]


def test_a_probe_that_fails_and_one_that_hangs_do_not_affect_a_third() -> None:
    stop, seen, failed = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)
    history = ProbeHistory(1_000, Clock())

    def hangs() -> Sequence[Reading]:
        stop.wait()
        return []

    def fails() -> Sequence[Reading]:
        failed.release()
        raise ConnectionError("with a secret in its text")

    def works() -> Sequence[Reading]:
        seen.release()
        return [Reading(catalogue.DISTINCT_USERS, 1)]

    looks = {"redis": works, "flink": fails, "kafka": hangs}
    start([Probe(name, lambda look=look: look, 0.001) for name, look in looks.items()], history, stop)  # type: ignore[misc]
    for _ in range(20):
        assert seen.acquire(timeout=HUNG_S)
    for _ in range(2):  # who looks a second time has told of the first
        assert failed.acquire(timeout=HUNG_S)
    stop.set()
    away = {one.probe: one.away for one in history.recent().probes}
    assert away["redis"] is None
    assert away["flink"] == "ConnectionError"
    assert ("vitrine_distinct_users", 1) in standing(history)


def test_a_probe_whose_clients_never_recover_makes_new_ones() -> None:
    stop, made = threading.Event(), threading.Semaphore(0)
    history = ProbeHistory(1_000, Clock())
    lives = iter([False, False, True])

    def make() -> Callable[[], Sequence[Reading]]:
        sound = next(lives)
        made.release()

        def looks() -> Sequence[Reading]:
            if not sound:
                raise TimeoutError
            return [Reading(catalogue.DISTINCT_USERS, 1)]

        return looks

    start([Probe("kafka", make, 0.001)], history, stop)
    for _ in range(3):
        assert made.acquire(timeout=30)
    while ("vitrine_distinct_users", 1) not in standing(history):
        stop.wait(0.01)
    stop.set()


def test_a_probe_that_does_not_return_has_failed_and_is_replaced() -> None:
    stop, made = threading.Event(), threading.Semaphore(0)
    history = ProbeHistory(1_000, Clock())
    away: list[str | None] = []

    def hangs() -> Sequence[Reading]:
        stop.wait()
        return []

    lives = iter([hangs, lambda: [Reading(catalogue.DISTINCT_USERS, 1)]])

    def make() -> Callable[[], Sequence[Reading]]:
        away.extend(one.away for one in history.recent().probes)
        made.release()
        return next(lives)

    start([Probe("kafka", make, 0.001, within_s=0.2)], history, stop)
    for _ in range(2):
        assert made.acquire(timeout=30)
    stop.set()
    assert away == [HUNG]
