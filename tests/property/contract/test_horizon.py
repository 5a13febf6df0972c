"""The horizon: every message that can be accepted sees the claims of earlier copies."""

from hypothesis import given
from hypothesis import strategies as st

from streaming.contract.horizon import Horizon, refusal, stated_horizon_ms
from streaming.contract.parsing import FUTURE_TOLERANCE_MS

HORIZONS = st.builds(Horizon, st.integers(0, 10**11), st.integers(1, 64))
TIMES = st.integers(10**12, 2 * 10**12)


@given(HORIZONS, TIMES, st.data())
def test_two_copies_of_a_session_that_are_young_enough_see_each_other(
    horizon: Horizon, ended_ms: int, data: st.DataObject
) -> None:
    arrivals = st.integers(ended_ms - FUTURE_TOLERANCE_MS, ended_ms + horizon.horizon_ms)
    one, other = data.draw(arrivals), data.draw(arrivals)
    assert horizon.sees(horizon.segment(one), horizon.segment(other))
    assert horizon.segment(other) >= horizon.first_visible(one)


@given(HORIZONS, TIMES)
def test_claims_are_kept_at_most_one_segment_longer(horizon: Horizon, at_ms: int) -> None:
    reach_ms = horizon.segment_ms * horizon.segments
    assert horizon.horizon_ms + FUTURE_TOLERANCE_MS <= reach_ms
    assert reach_ms < horizon.horizon_ms + FUTURE_TOLERANCE_MS + horizon.segments
    assert not horizon.sees(horizon.segment(at_ms), horizon.segment(at_ms + reach_ms + horizon.segment_ms))


@given(st.sampled_from(["live", "import-x"]), st.integers(0, 10**12))
def test_a_rejection_contains_its_horizon(feed: str, horizon_ms: int) -> None:
    told = refusal(feed, horizon_ms)
    assert told.horizon_ms == horizon_ms
    assert stated_horizon_ms(str(horizon_ms), told.detail) == horizon_ms


@given(st.sampled_from(["live", "import-x"]), st.integers(0, 10**12))
def test_a_rejection_without_the_header_contains_it_in_the_detail(feed: str, horizon_ms: int) -> None:
    assert stated_horizon_ms(None, refusal(feed, horizon_ms).detail) == horizon_ms


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_the_header_takes_precedence_over_the_detail(horizon_ms: int, other_ms: int) -> None:
    assert stated_horizon_ms(str(horizon_ms), refusal("live", other_ms).detail) == horizon_ms


@given(st.text())
def test_no_other_detail_contains_a_horizon(detail: str) -> None:
    assert stated_horizon_ms(None, f"{detail}.") is None


@given(st.text().filter(lambda text: not (text.isascii() and text.isdigit())))
def test_a_header_that_is_not_a_number_gives_none(header: str) -> None:
    assert stated_horizon_ms(header, refusal("live", 5).detail) is None
