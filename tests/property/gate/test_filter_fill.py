"""What is said of a filter's fill."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.dedup.redis.bloom import error_rate

CAPACITIES = st.integers(1, 10**9)
RATES = st.floats(1e-6, 0.5)


@given(CAPACITIES, RATES)
def test_a_filter_within_its_capacity_errs_no_more_than_asked(capacity: int, asked: float) -> None:
    assert error_rate(0, capacity, asked) == 0
    assert 0 < error_rate(capacity, capacity, asked) <= asked


@given(CAPACITIES, RATES, st.floats(0, 8), st.floats(0, 8))
def test_more_items_never_make_it_better_and_growth_never_makes_it_useless(
    capacity: int, asked: float, a: float, b: float
) -> None:
    fewer, more = sorted((int(a * capacity), int(b * capacity)))
    low, high = error_rate(fewer, capacity, asked), error_rate(more, capacity, asked)
    assert low <= high + 1e-12
    assert high <= 2 * asked, "the layers' rates are halves of halves"
