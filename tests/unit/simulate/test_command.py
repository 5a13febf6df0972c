"""Which span of time a run of the simulation covers."""

import pytest

from streaming.contract.time_units import DAY_MS
from streaming.simulate.command import settings_for

NOW_MS = 1_767_261_296_123
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("ended_at_ms", "start_ms"),
    [
        (0, NOW_MS - DAY_MS),
        (NOW_MS - 30 * DAY_MS, NOW_MS - DAY_MS),
        (NOW_MS - HOUR_MS, NOW_MS - HOUR_MS),
        (NOW_MS, NOW_MS - 1_000),
        (NOW_MS + HOUR_MS, NOW_MS - 1_000),
    ],
    ids=["the first run", "long ago", "an hour ago", "just now", "a paced run that was broken off"],
)
def test_a_run_covers_the_time_from_the_last_run_to_now(ended_at_ms: int, start_ms: int) -> None:
    settings = settings_for(100, 1, None, NOW_MS, ended_at_ms)
    assert settings.start_ms == start_ms
    assert settings.start_ms + settings.span_s * 1000 == pytest.approx(NOW_MS)
    assert not settings.steady


def test_with_a_rate_traffic_starts_now_and_is_steady() -> None:
    settings = settings_for(300, 1, 20.0, NOW_MS, NOW_MS - HOUR_MS)
    assert (settings.start_ms, settings.span_s, settings.steady) == (NOW_MS, 15.0, True)
