"""Sessions of feeds that nobody declared are rejected: no sender may escape horizon and lateness."""

import pytest
from support.sessions import raw_value

from streaming.contract.rejection import Reason, Rejection
from streaming.gate.candidate import Candidate
from streaming.gate.decide import Raw
from streaming.gate.process import Batch

NOW_MS = 1_767_261_296_123
DAY_MS = 86_400_000
OLD_MS = NOW_MS - 5_000 * DAY_MS
HORIZON_MS = 21 * DAY_MS


def outcome(feed: str, event_time_ms: int, further: tuple[str, ...] = ()) -> Candidate | Rejection:
    raw = Raw(0, 0, NOW_MS, b"u1", raw_value(feed=feed, event_time_ms=event_time_ms))
    (found,) = Batch([raw], {0: 0}, HORIZON_MS, further).parsed
    return found


@pytest.mark.parametrize(
    "feed",
    [
        *("LIVE", "Live", " live", "live ", "import", "import-", "import-sec", "import-0123456789AB"),
        *("import-0123456789abc", "import-0123456789a", "xximport-0123456789ab", "x" * 128),
    ],
)
@pytest.mark.parametrize("event_time_ms", [OLD_MS, NOW_MS])
def test_a_feed_that_nobody_declared_is_rejected_whatever_its_time(feed: str, event_time_ms: int) -> None:
    found = outcome(feed, event_time_ms)
    assert isinstance(found, Rejection)
    assert found.reason is Reason.UNKNOWN_FEED
    assert found.detail.startswith("feed: not live, ")


def test_imports_and_feeds_of_the_settings_are_accepted() -> None:
    assert isinstance(outcome("import-0123456789ab", OLD_MS), Candidate)
    assert isinstance(outcome("partner", OLD_MS, ("partner",)), Candidate)
    assert isinstance(outcome("live", NOW_MS), Candidate)


def test_the_live_feed_keeps_its_horizon() -> None:
    found = outcome("live", OLD_MS)
    assert isinstance(found, Rejection)
    assert found.reason is Reason.BEYOND_HORIZON
