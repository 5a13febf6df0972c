"""The board shows what the probes saw last, forgets what is old, and a failing probe takes no other along."""

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


def standing(board: ProbeHistory) -> list[tuple[str, float]]:
    return [(one.metric, one.value) for one in board.recent().readings]


def test_lag_is_added_up_over_partitions_and_its_age_is_the_oldest() -> None:
    clock = Clock(7)
    board = ProbeHistory(1_000, clock)
    board.saw("kafka", lag(2, 5.0) + lag(3, 9.0, partition="1") + lag(4, 1.0, stage="store"))
    plots = {(one.metric, one.of): one.points for one in board.recent().plots}
    assert plots == {
        ("vitrine_lag_records", "gate"): [(7, 5)],
        ("vitrine_lag_seconds", "gate"): [(7, 9)],
        ("vitrine_lag_records", "store"): [(7, 4)],
        ("vitrine_lag_seconds", "store"): [(7, 1)],
    }


def test_what_is_older_than_the_board_keeps_is_forgotten() -> None:
    clock = Clock()
    board = ProbeHistory(1_000, clock)
    for clock.ms in (0, 600, 1_200, 1_800):
        board.saw("kafka", lag(clock.ms))
    [records, _] = board.recent().plots
    assert records.points == [(1_200, 1_200), (1_800, 1_800)]
    clock.ms = 9_000
    board.away("redis", "gone")
    assert board.recent().plots == []


def test_what_a_probe_read_is_gone_while_it_gets_no_answer_and_no_other_is() -> None:
    board = ProbeHistory(1_000, Clock())
    board.saw("kafka", lag(1)[:1])
    board.saw("redis", [Reading(catalogue.DISTINCT_USERS, 9)])
    board.away("kafka", "timed out")
    assert standing(board) == [
        ("vitrine_probe_up", 0.0),
        ("vitrine_probe_up", 1.0),
        ("vitrine_distinct_users", 9),
    ]
    assert [(one.probe, one.away) for one in board.recent().probes] == [
        ("kafka", "timed out"),
        ("redis", None),
    ]


def test_one_probe_that_fails_and_one_that_hangs_leave_the_third_alone() -> None:
    stop, seen, failed = threading.Event(), threading.Semaphore(0), threading.Semaphore(0)
    board = ProbeHistory(1_000, Clock())

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
    start([Probe(name, lambda look=look: look, 0.001) for name, look in looks.items()], board, stop)  # type: ignore[misc]
    for _ in range(20):
        assert seen.acquire(timeout=HUNG_S)
    for _ in range(2):  # who looks a second time has told of the first
        assert failed.acquire(timeout=HUNG_S)
    stop.set()
    away = {one.probe: one.away for one in board.recent().probes}
    assert away["redis"] is None
    assert away["flink"] == "ConnectionError"
    assert ("vitrine_distinct_users", 1) in standing(board)


def test_a_probe_whose_clients_never_get_over_a_failure_makes_them_anew() -> None:
    stop, made = threading.Event(), threading.Semaphore(0)
    board = ProbeHistory(1_000, Clock())
    lives = iter([False, False, True])

    def make() -> Callable[[], Sequence[Reading]]:
        sound = next(lives)
        made.release()

        def looks() -> Sequence[Reading]:
            if not sound:
                raise TimeoutError
            return [Reading(catalogue.DISTINCT_USERS, 1)]

        return looks

    start([Probe("kafka", make, 0.001)], board, stop)
    for _ in range(3):
        assert made.acquire(timeout=30)
    while ("vitrine_distinct_users", 1) not in standing(board):
        stop.wait(0.01)
    stop.set()


def test_a_probe_that_does_not_come_back_is_away_and_another_one_looks() -> None:
    stop, made = threading.Event(), threading.Semaphore(0)
    board = ProbeHistory(1_000, Clock())
    away: list[str | None] = []

    def hangs() -> Sequence[Reading]:
        stop.wait()
        return []

    lives = iter([hangs, lambda: [Reading(catalogue.DISTINCT_USERS, 1)]])

    def make() -> Callable[[], Sequence[Reading]]:
        away.extend(one.away for one in board.recent().probes)
        made.release()
        return next(lives)

    start([Probe("kafka", make, 0.001, within_s=0.2)], board, stop)
    for _ in range(2):
        assert made.acquire(timeout=30)
    stop.set()
    assert away == [HUNG]
