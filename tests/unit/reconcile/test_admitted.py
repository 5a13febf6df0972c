"""Whether a session is the user's first, computed from the log."""

import msgspec
import pytest

from lab.benchmarks.sessions import valid_sessions
from streaming.contract.horizon import Horizon
from streaming.contract.log_position import LogPosition
from streaming.reconcile.admitted import Admitted

HORIZON = Horizon(horizon_ms=1_000_000, segments=4)
LIKE = next(valid_sessions(1))
REACH_MS = 5 * HORIZON.segment_ms
Called = tuple[int, int, str]
"""Raw partition, arrival and user kind."""


def wrongly_called(called: list[Called]) -> tuple[list[int], list[int]]:
    """Returns which of the sessions, all of one user, are wrongly marked as new, and which as returning."""
    admitted, positions = Admitted(), []
    for number, (partition, arrived_ms, kind) in enumerate(called):
        positions.append(LogPosition(partition, number))
        admitted.add(
            msgspec.structs.replace(
                LIKE, session_pseudonym=str(number), user_kind=kind, arrived_at_ms=arrived_ms,
                raw_partition=partition, raw_offset=number,
            )
        )  # fmt: skip
    admitted.sort()
    new, returning = admitted.wrongly_new(HORIZON), admitted.wrongly_returning(HORIZON)
    return [positions.index(at) for at in new], [positions.index(at) for at in returning]


@pytest.mark.parametrize(
    ("called", "wrong"),
    [
        ([(0, 0, "new"), (0, 5, "returning"), (0, 9, "returning")], ([], [])),
        ([(0, 0, "new"), (0, 5, "returning"), (0, 9, "new")], ([2], [])),
        ([(0, 0, "returning"), (0, 5, "returning")], ([], [0])),
        # Each session renews the user's claim. It exists within the horizon, and not beyond REACH_MS; in
        # between it may or may not.
        ([(0, 0, "new"), (0, 900_000, "returning"), (0, 1_800_000, "returning")], ([], [])),
        ([(0, 0, "new"), (0, 1_400_000, "new")], ([], [])),
        ([(0, 0, "new"), (0, 1_400_000, "returning")], ([], [])),
        ([(0, 0, "new"), (0, REACH_MS + 1, "returning")], ([], [1])),
        ([(0, 0, "new"), (0, REACH_MS + 1, "new")], ([], [])),
        # The log does not show which raw partition came first, but only one session can have been the first.
        ([(0, 0, "returning"), (1, 5, "new"), (0, 9, "returning")], ([], [])),
        ([(0, 0, "new"), (1, 5, "new"), (0, 9, "returning")], ([1], [])),
        ([], ([], [])),
    ],
)
def test_the_first_of_a_user_within_the_horizon_is_new(
    called: list[Called], wrong: tuple[list[int], list[int]]
) -> None:
    assert wrongly_called(called) == wrong


def test_a_session_accepted_again_is_found_at_its_later_positions() -> None:
    admitted = Admitted()
    for offset in (7, 3, 5):
        admitted.add(msgspec.structs.replace(LIKE, raw_offset=offset))
    admitted.sort()
    assert list(admitted.repeated()) == [LogPosition(0, 5), LogPosition(0, 7)]
    assert admitted.position_of(LIKE.session_pseudonym) == LogPosition(0, 3)
    assert admitted.position_of("another") is None
    assert admitted.distinct_users() == 1
