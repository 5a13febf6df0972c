"""Which settings of retention contradict each other."""

import pytest

from streaming.contract.time_units import DAY_MS
from streaming.retention.plan import PLACES
from streaming.retention.settings import RetentionSettings, contradictions
from streaming.settings import KafkaSettings
from streaming.summaries.settings import JobSettings


def told(topics_ms: int = 30 * DAY_MS, state_ttl_ms: int = 0, **days: int) -> list[str]:
    return list(contradictions(RetentionSettings.model_validate(days), topics_ms, state_ttl_ms))


def test_the_defaults_do_not_contradict_each_other() -> None:
    assert told(KafkaSettings().retention_ms, JobSettings().state_ttl_ms) == []


def test_every_place_has_its_days() -> None:
    assert set(RetentionSettings().days()) == set(PLACES)


@pytest.mark.parametrize(
    ("topics_ms", "days", "wrong"),
    [(30 * DAY_MS, 30, False), (30 * DAY_MS + 1, 30, True), (-1, 30, True), (-1, 0, False)],
)
def test_topics_keep_no_session_longer_than_mongodb(topics_ms: int, days: int, wrong: bool) -> None:
    found = told(topics_ms, sessions_days=days, search_days=days, extracts_days=days)
    assert ["VITRINE_KAFKA_RETENTION_MS" in one for one in found] == [True] * wrong


@pytest.mark.parametrize("name", ["search_days", "extracts_days"])
def test_nothing_made_of_a_session_is_kept_longer_than_it(name: str) -> None:
    assert told(**{name: 399}) == []
    for days in (401, 0):
        [one] = told(**{name: days})
        assert f"VITRINE_RETENTION_{name.upper()}={days}" in one


@pytest.mark.parametrize(
    ("ttl_days", "windows_days", "wrong"),
    [(0, 800, False), (0, 0, False), (831, 800, False), (830, 800, True), (10_000, 0, True)],
)
def test_flink_forgets_no_window_that_is_kept(ttl_days: int, windows_days: int, wrong: bool) -> None:
    found = told(state_ttl_ms=ttl_days * DAY_MS, windows_days=windows_days)
    assert ["VITRINE_FLINK_STATE_TTL_MS" in one for one in found] == [True] * wrong
