"""What is due: nothing too early, everything in time, and never twice."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.months import begin_ms, end_ms, month_of
from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.retention.plan import (
    CHANGED,
    DATED,
    FOR_EVER,
    PLACES,
    Item,
    boundaries,
    due_items,
    due_months,
    limits,
)

moments = st.integers(0, 4_102_444_800_000)  # to 2100
days = st.integers(0, 4_000)


def limit_of(place: str, kept: int, now_ms: int, recorded_ms: int = 0) -> int:
    found = limits(dict.fromkeys(PLACES, kept), now_ms, {place: recorded_ms})
    [one] = (limit for limit in found if limit.place == place)
    return one.before_ms


@given(moments)
def test_a_month_contains_its_moments_and_months_join(at_ms: int) -> None:
    month = month_of(at_ms)
    assert begin_ms(month) <= at_ms < end_ms(month)
    assert month_of(begin_ms(month)) == month
    assert month_of(end_ms(month) - 1) == month
    assert begin_ms(month_of(end_ms(month))) == end_ms(month)


@given(st.sampled_from(PLACES), days, moments, moments)
def test_nothing_goes_before_its_days_and_nothing_stays_a_month_longer(
    place: str, kept: int, now_ms: int, at_ms: int
) -> None:
    due = at_ms < limit_of(place, kept, now_ms)
    if kept == FOR_EVER or at_ms >= now_ms - kept * DAY_MS:
        assert not due
    elif at_ms < now_ms - (kept + (31 if place in DATED else 0)) * DAY_MS:
        assert due


@given(st.sampled_from(PLACES), days, moments, moments)
def test_a_boundary_moves_only_forward_in_time(place: str, kept: int, now_ms: int, later_ms: int) -> None:
    earlier, later = sorted((now_ms, later_ms))
    assert limit_of(place, kept, earlier) <= limit_of(place, kept, later)


@given(st.sampled_from(DATED), days, moments, moments)
def test_what_was_deleted_stays_expired_whatever_is_set_later(
    place: str, kept: int, now_ms: int, recorded_ms: int
) -> None:
    recorded_ms = begin_ms(month_of(recorded_ms))
    assert limit_of(place, kept, now_ms, recorded_ms) >= recorded_ms
    assert limit_of(place, FOR_EVER, now_ms, recorded_ms) == recorded_ms


@given(st.sampled_from(DATED), days, moments, moments)
def test_all_sessions_of_a_window_expire_together(place: str, kept: int, now_ms: int, at_ms: int) -> None:
    before_ms, window_start_ms = limit_of(place, kept, now_ms), at_ms - at_ms % HOUR_MS
    assert (at_ms < before_ms) == (window_start_ms < before_ms)


@given(st.sets(moments.map(month_of), max_size=30), days, moments)
def test_a_slice_goes_when_all_in_it_has_expired_and_only_then(
    months: set[str], kept: int, now_ms: int
) -> None:
    before_ms = limit_of(DATED[1], kept, now_ms)
    due = due_months(months, before_ms)
    assert due == sorted(due)
    for month in months:
        assert (month in due) == (end_ms(month) - 1 < before_ms)
        assert (begin_ms(month) < before_ms) == (end_ms(month) - 1 < before_ms)  # no slice is cut
    assert due_months(months - set(due), before_ms) == []


@given(st.lists(st.builds(Item, st.text(max_size=3), moments), max_size=20), days, moments)
def test_items_go_the_oldest_first_and_are_not_due_again(items: list[Item], kept: int, now_ms: int) -> None:
    before_ms = limit_of(CHANGED[0], kept, now_ms)
    due = due_items(items, before_ms)
    assert [item.changed_at_ms for item in due] == sorted(item.changed_at_ms for item in due)
    rest = [item for item in items if item not in due]
    assert due_items(rest, before_ms) == []
    assert all(item.changed_at_ms >= before_ms for item in rest)


@given(st.dictionaries(st.sampled_from(DATED), moments))
def test_an_index_is_compared_no_further_back_than_sessions(recorded_ms: dict[str, int]) -> None:
    known = boundaries(recorded_ms)
    for place in DATED[1:-1]:
        assert known.of_index(place) == max(recorded_ms.get(place, 0), recorded_ms.get("sessions", 0))
