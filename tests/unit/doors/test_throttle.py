"""Wrong logins: how many can be tried, one after the other and at once."""

import pytest

from streaming.doors import login
from streaming.doors.throttle import (
    FORGOTTEN_AFTER_S,
    FREE,
    FREE_IN_ALL,
    LONGEST_PAUSE_IN_ALL_S,
    LONGEST_PAUSE_S,
    REMEMBERED,
    Throttle,
)


def looked_at(throttle: Throttle, users: list[str], seconds: float, every_s: float = 0.1) -> int:
    """How many attempts are looked at if each user is tried that often, none of them rightly."""
    steps = int(seconds / every_s)
    return sum(throttle.admit([user], step * every_s) == 0 for step in range(steps) for user in users)


def test_guessing_one_users_password_is_slowed_to_one_attempt_a_minute() -> None:
    an_hour = 3600.0
    assert looked_at(Throttle(), ["admin"], an_hour) <= FREE + 6 + an_hour / LONGEST_PAUSE_S


def test_many_at_once_are_no_way_around() -> None:
    throttle = Throttle()
    assert sum(throttle.admit(["admin"], 7.0) == 0 for _ in range(50)) == FREE


def test_guessing_for_many_users_is_slowed_too() -> None:
    users = [f"user-{number}" for number in range(200)]
    assert looked_at(Throttle(), users, 600) <= FREE_IN_ALL + 3 + 600 / LONGEST_PAUSE_IN_ALL_S


def test_an_attempt_that_comes_too_early_makes_nobody_wait_longer() -> None:
    throttle = Throttle()
    for _ in range(FREE):
        throttle.admit(["admin"], 0.0)
    wait_s = throttle.admit(["admin"], 0.5)
    assert wait_s == pytest.approx(0.5)
    assert throttle.admit(["admin"], 0.9) == pytest.approx(0.1)
    assert throttle.admit(["admin"], 1.0) == 0


def test_the_right_password_ends_it() -> None:
    throttle = Throttle()
    for _ in range(10 * FREE):
        assert throttle.admit(["admin"], 0.0) == 0
        throttle.succeeded(["admin"])


def test_a_user_is_not_held_up_by_anothers_failures() -> None:
    throttle = Throttle()
    for _ in range(2 * FREE):
        throttle.admit(["admin"], 0.0)
    assert throttle.admit(["ann"], 0.0) == 0


def test_failures_are_forgotten_in_the_end() -> None:
    throttle = Throttle()
    for second in range(1000):
        throttle.admit(["admin"], float(second))
    assert throttle.admit(["admin"], 1000 + 2 * FORGOTTEN_AFTER_S) == 0
    assert throttle.admit(["admin"], 1000 + 2 * FORGOTTEN_AFTER_S) == 0


def test_made_up_names_fill_no_memory() -> None:
    throttle = Throttle()
    for number in range(3 * REMEMBERED):
        throttle.admit([f"user-{number}"], number * LONGEST_PAUSE_IN_ALL_S / 10)
    assert len(throttle._by_user) <= REMEMBERED


@pytest.mark.parametrize(
    ("body", "users"),
    [
        (b'{"username": "ann", "password": "x"}', ("ann",)),
        (b"username=ann&password=x", ("ann",)),
        (b"username=decoy&username=an%6e", ("ann",)),
        (b'{"username": "ann", "x": "&username=bob&"}', ("ann", "bob")),
        (b'{"username": 7}', ("",)),
        (b"[" * 4000, ("",)),
        (b"\xff\xfe", ("",)),
        (b"", ("",)),
    ],
)
def test_every_user_that_a_body_may_name_is_found(body: bytes, users: tuple[str, ...]) -> None:
    assert login.users(body) == users
