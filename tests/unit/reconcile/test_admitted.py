"""Whose first session it was, judged from the log."""

import msgspec
import pytest

from lab.benchmarks.sessions import valid_sessions
from streaming.contract.horizon import Horizon
from streaming.contract.log_position import LogPosition
from streaming.reconcile.admitted import Admitted

HORIZON = Horizon(horizon_ms=1_000_000, segments=4)
LIKE = next(valid_sessions(1))
REACH_MS = 5 * HORIZON.segment_ms
Told = tuple[int, int, str]
"""Raw partition, arrival, and what the user is called."""


def judged(told: list[Told]) -> tuple[list[int], list[int]]:
    """Which of the sessions, all of one user, are wrongly called new, and which wrongly returning."""
    admitted, places = Admitted(), []
    for number, (partition, arrived_ms, kind) in enumerate(told):
        places.append(LogPosition(partition, number))
        admitted.add(
            msgspec.structs.replace(
                LIKE, session_id=str(number), user_kind=kind, arrived_at_ms=arrived_ms,
                raw_partition=partition, raw_offset=number,
            )
        )  # fmt: skip
    admitted.sort()
    new, returning = admitted.wrongly_new(HORIZON), admitted.wrongly_returning(HORIZON)
    return [places.index(at) for at in new], [places.index(at) for at in returning]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([(0, 0, "new"), (0, 5, "returning"), (0, 9, "returning")], ([], [])),
        ([(0, 0, "new"), (0, 5, "returning"), (0, 9, "new")], ([2], [])),
        ([(0, 0, "returning"), (0, 5, "returning")], ([], [0])),
        # Each visit renews what the gate knows; after the horizon it may know or not, after its reach not.
        ([(0, 0, "new"), (0, 900_000, "returning"), (0, 1_800_000, "returning")], ([], [])),
        ([(0, 0, "new"), (0, 1_400_000, "new")], ([], [])),
        ([(0, 0, "new"), (0, 1_400_000, "returning")], ([], [])),
        ([(0, 0, "new"), (0, REACH_MS + 1, "returning")], ([], [1])),
        ([(0, 0, "new"), (0, REACH_MS + 1, "new")], ([], [])),
        # Between raw partitions the log does not tell who came first, but that only one can have.
        ([(0, 0, "returning"), (1, 5, "new"), (0, 9, "returning")], ([], [])),
        ([(0, 0, "new"), (1, 5, "new"), (0, 9, "returning")], ([1], [])),
        ([], ([], [])),
    ],
)
def test_the_first_of_a_user_within_the_horizon_is_new(
    told: list[Told], wrong: tuple[list[int], list[int]]
) -> None:
    assert judged(told) == wrong


def test_a_session_let_through_again_is_found_where_it_comes_second() -> None:
    admitted = Admitted()
    for offset in (7, 3, 5):
        admitted.add(msgspec.structs.replace(LIKE, raw_offset=offset))
    admitted.sort()
    assert list(admitted.repeated()) == [LogPosition(0, 5), LogPosition(0, 7)]
    assert admitted.place_of(LIKE.session_id) == LogPosition(0, 3)
    assert admitted.place_of("another") is None
    assert admitted.distinct_users() == 1
