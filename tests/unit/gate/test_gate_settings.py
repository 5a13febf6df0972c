"""A horizon that cannot be held is refused in words."""

import json

import pytest
from pydantic import ValidationError

from streaming.gate.settings import GateSettings, exceeds_retention


def test_a_horizon_is_no_longer_than_what_the_topics_keep() -> None:
    assert exceeds_retention(10, {"raw": 10, "valid": None}) is None
    told = exceeds_retention(11, {"raw": None, "valid": 10})
    assert told is not None
    assert "VITRINE_GATE_HORIZON_MS=11" in told
    assert "valid" in told
    assert "retention.ms=10" in told


def test_the_default_horizon_leaves_the_gate_time_to_be_behind() -> None:
    from streaming.settings import KafkaSettings

    assert GateSettings().horizon_ms < KafkaSettings().retention_ms


IMPORT = f"import-{'0' * 12}-{'0' * 24}"


@pytest.mark.parametrize("feed", ["live", "import", IMPORT, IMPORT[:19], "partner"])
def test_consent_may_be_set_for_every_feed_that_there_is(feed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_GATE_FEEDS", '["partner"]')
    monkeypatch.setenv("VITRINE_CONSENT_BY_FEED", json.dumps({feed: {"analytics": False}}))
    assert not GateSettings().sources.agree("analytics", feed, None)


@pytest.mark.parametrize("feed", ["Live", "partner", "imports", "import-1"])
def test_consent_for_a_feed_that_no_session_has_is_refused(
    feed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_CONSENT_BY_FEED", json.dumps({feed: {"analytics": False}}))
    with pytest.raises(ValidationError, match=f"no feed: {feed}.*VITRINE_GATE_FEEDS"):
        GateSettings()
