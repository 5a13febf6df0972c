"""The plan of kills: everything that must be hit is hit, under load."""

from collections import Counter

import pytest

from lab.chaos.schedule import POINTS, SERVICES, STAGES, least, plan, released


@pytest.mark.parametrize(("through", "kills"), [("gate", 8), ("gate", 50), ("all", 30)])
def test_every_point_every_service_and_random_moments_of_every_stage_are_hit(
    through: str, kills: int
) -> None:
    made = plan(kills, 3, through)
    hit = Counter((kill.victim, kill.point) for kill in made)
    assert len(made) == kills
    for stage in STAGES[through]:
        assert all(hit[stage, point] for point in (*POINTS[stage], None))
    assert all(hit[service, None] for service in SERVICES[through])


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(20, 7, "gate") == plan(20, 7, "gate") != plan(20, 8, "gate")


def test_too_few_kills_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 kills"):
        plan(least("gate") - 1, 1, "gate")


def test_more_than_a_ration_is_released_before_every_kill() -> None:
    events, kills = 20_000, 10
    for number, kill in enumerate(plan(kills, 1, "gate")):
        assert released(number, kills, events) - kill.at * events >= events / (kills + 1)
    assert released(kills, kills, events) == events
