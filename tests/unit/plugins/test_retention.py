"""The page 'Retention', over the in-memory stand-in of its record."""

from collections.abc import Mapping

import pytest
from fastapi.testclient import TestClient

from streaming.retention.place import Deletion, InMemoryRecord, Kept
from streaming.stores import StoreUnavailable

DAY_MS = 86_400_000
JUNE_MS = 1_780_272_000_000  # 2026-06-01


@pytest.fixture
def record(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> InMemoryRecord:
    """What the page reads instead of MongoDB."""
    in_memory = InMemoryRecord()
    monkeypatch.setattr("vitrine_retention.stored_record", lambda: in_memory)
    return in_memory


def test_before_the_first_run_every_store_is_shown_with_its_setting(
    reader: TestClient, record: InMemoryRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_RETENTION_SESSIONS_DAYS", "123")
    monkeypatch.setenv("VITRINE_KAFKA_RETENTION_MS", str(7 * DAY_MS))
    text = reader.get("/retention").text
    assert "123 days and up to a month longer" in text
    assert "<td>7 days</td>" in text
    assert "for ever" in text  # reports
    assert text.count("none yet") == 9
    assert "Nothing has been deleted yet" in text


def test_deletions_of_all_stores_are_shown_the_newest_first(
    reader: TestClient, record: InMemoryRecord
) -> None:
    first = Deletion(JUNE_MS + DAY_MS, JUNE_MS, 41)
    second = Deletion(JUNE_MS + 2 * DAY_MS, JUNE_MS, 1_042)
    at_ms = JUNE_MS + 3 * DAY_MS
    record.write(
        Kept(
            place="sessions", days=400, before_ms=JUNE_MS, unit="sessions", oldest_ms=JUNE_MS + 5,
            looked_at_ms=at_ms, deletions=(second, first),
        )
    )  # fmt: skip
    third = Deletion(at_ms, JUNE_MS, 7)
    record.write(Kept(place="extracts", days=400, unit="<b>rows", looked_at_ms=at_ms, deletions=(third,)))
    text = reader.get("/retention").text
    assert text.index("7 &lt;b&gt;rows") < text.index("1042 sessions") < text.index("41 sessions")
    assert "2026-06-04 00:00" in text
    assert "Nothing has been deleted yet" not in text


def test_without_mongodb_the_page_shows_what_to_do(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away(InMemoryRecord):
        def read(self) -> Mapping[str, Kept]:
            raise StoreUnavailable("MongoDB does not answer")

    monkeypatch.setattr("vitrine_retention.stored_record", Away)
    answer = reader.get("/retention")
    assert answer.status_code == 503
    assert "./vitrine up mongodb" in answer.text
