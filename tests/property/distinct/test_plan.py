"""The counters cover the requested period, and no more than necessary beyond it."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.period import Window
from streaming.distinct.plan import CounterPlan, counters, plan

HOUR_MS = 3_600_000
NOW_H = 5_000
MOMENTS = st.integers(0, NOW_H * HOUR_MS)
PERIODS = st.lists(MOMENTS, min_size=2, max_size=2, unique=True).map(lambda ends: Window(*sorted(ends)))
KEPT_SINCE = st.one_of(MOMENTS, st.just(0), st.just(NOW_H * HOUR_MS))


def hours_of(chosen: CounterPlan) -> list[int]:
    """All hours that are counted, as often as they are."""
    return [day * 24 + hour for day in chosen.days for hour in range(24)] + list(chosen.hours)


@given(PERIODS, KEPT_SINCE)
def test_each_hour_is_counted_once(asked: Window, since_ms: int) -> None:
    chosen = plan(asked, since_ms)
    first, end = chosen.counted.from_ms // HOUR_MS, chosen.counted.to_ms // HOUR_MS
    assert sorted(hours_of(chosen)) == list(range(first, end))
    assert chosen.counted.from_ms <= asked.from_ms < asked.to_ms <= chosen.counted.to_ms


@given(PERIODS, KEPT_SINCE)
def test_an_hour_outside_the_period_is_counted_only_if_necessary(asked: Window, since_ms: int) -> None:
    """Either it overlaps the period, or the counter of an hour of the period on the same day is not kept."""
    chosen = plan(asked, since_ms)
    wanted = range(asked.from_ms // HOUR_MS, -(-asked.to_ms // HOUR_MS))
    assert all(hour * HOUR_MS >= since_ms for hour in chosen.hours)
    for extra in set(hours_of(chosen)) - set(wanted):
        of_its_day = range(extra - extra % 24, extra - extra % 24 + 24)
        assert any(hour in wanted and hour * HOUR_MS < since_ms for hour in of_its_day)


@given(PERIODS)
def test_a_year_needs_few_counters(asked: Window) -> None:
    assert len(counters(plan(asked, 0))) <= (asked.to_ms - asked.from_ms) // (24 * HOUR_MS) + 2 * 23


def test_the_counters_have_the_names_that_the_gate_writes() -> None:
    day_ms = 24 * HOUR_MS
    chosen = plan(Window(20_000 * day_ms - HOUR_MS, 20_001 * day_ms), 0)
    assert counters(chosen, "country", "NL") == ["2024-10-04:country:NL", "2024-10-03T23:country:NL"]
    assert counters(chosen) == ["2024-10-04", "2024-10-03T23"]
