"""Sessions of feeds that nobody declared are rejected: no sender may escape horizon and lateness."""

import pytest
from support.sessions import PSEUDONYMS, raw_value

from streaming.contract.feeds import LIVE_ONLY, Feeds, ImportKeys
from streaming.contract.rejection import Reason, Rejection
from streaming.gate.candidate import Candidate
from streaming.gate.decide import Raw, Rules
from streaming.gate.process import Batch

NOW_MS = 1_767_261_296_123
DAY_MS = 86_400_000
OLD_MS = NOW_MS - 5_000 * DAY_MS
HORIZON_MS = 21 * DAY_MS
KEYS = ImportKeys(("key of now", "key of then"))
OURS = KEYS.feed("0123456789ab")
FEEDS = Feeds(KEYS, frozenset({"partner"}))


def outcome(feed: str, event_time_ms: int, accepted: Feeds = FEEDS) -> Candidate | Rejection:
    raw = Raw(0, 0, NOW_MS, b"u1", raw_value(feed=feed, event_time_ms=event_time_ms))
    (found,) = Batch([raw], {0: 0}, Rules(0, 1, HORIZON_MS, PSEUDONYMS, accepted)).parsed
    return found


@pytest.mark.parametrize(
    "feed",
    [
        *("LIVE", "Live", " live", "live ", "import", "import-", "import-sec", "import-0123456789AB"),
        *("import-0123456789abc", "import-0123456789a", "xximport-0123456789ab", "x" * 128),
        # Named like an import, as `./vitrine ingest` of an earlier release did, by whoever may send sessions.
        *("import-0123456789ab", "import-0123456789ab-", f"import-0123456789ab-{'0' * 24}"),
        *(ImportKeys(("a guess",)).feed("0123456789ab"), ImportKeys(("",)).feed("0123456789ab")),
        # The mark of one import under the name of another, cut, continued, or spelled otherwise.
        *(OURS.replace("0123456789ab", "0123456789ac"), OURS[:-1], OURS + "0", OURS.upper(), f" {OURS}"),
        *(f"{OURS}\n", OURS.replace("import", "IMPORT"), OURS[:-1] + "\u0664"),
    ],
)
@pytest.mark.parametrize("event_time_ms", [OLD_MS, NOW_MS])
def test_a_feed_that_nobody_declared_is_rejected_whatever_its_time(feed: str, event_time_ms: int) -> None:
    found = outcome(feed, event_time_ms)
    assert isinstance(found, Rejection)
    assert found.reason is (Reason.UNPRINTABLE if "\n" in feed else Reason.UNKNOWN_FEED)
    assert OURS[-24:] not in found.detail


def test_imports_and_feeds_of_the_settings_are_accepted() -> None:
    assert isinstance(outcome(OURS, OLD_MS), Candidate)
    assert isinstance(outcome(ImportKeys(("key of then",)).feed("0123456789ab"), OLD_MS), Candidate)
    assert isinstance(outcome("partner", OLD_MS), Candidate)
    assert isinstance(outcome("live", NOW_MS), Candidate)
    named = Feeds(KEYS, frozenset({"import-0123456789ab"}))
    assert isinstance(outcome("import-0123456789ab", OLD_MS, named), Candidate)


def test_without_a_key_there_are_no_imports() -> None:
    assert isinstance(outcome(OURS, OLD_MS, LIVE_ONLY), Rejection)
    assert isinstance(outcome("live", NOW_MS, LIVE_ONLY), Candidate)


def test_a_key_is_not_shown() -> None:
    assert "key" not in repr(KEYS).replace("ImportKeys", "")


def test_the_live_feed_keeps_its_horizon() -> None:
    found = outcome("live", OLD_MS)
    assert isinstance(found, Rejection)
    assert found.reason is Reason.BEYOND_HORIZON
