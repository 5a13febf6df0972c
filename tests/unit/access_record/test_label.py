"""Labels that stand for ids."""

from datetime import UTC, date, datetime

import pytest

from streaming.access_record.entry import whose
from streaming.access_record.label import kind_of, label, meant

KEY, DAY = b"k" * 32, date(2026, 11, 29)


def test_a_label_says_nothing_and_changes_daily() -> None:
    one = label(KEY, "user", "u1", DAY)
    assert one == label(KEY, "user", "u1", DAY)
    assert kind_of(one) == "user"
    others = {
        label(KEY, "user", "u1", date(2026, 11, 30)),
        label(KEY, "user", "u2", DAY),
        label(KEY, "session", "u1", DAY),
        label(b"other" * 8, "user", "u1", DAY),
    }
    assert one not in others
    assert len(others) == 4


def test_a_label_is_no_part_of_what_the_record_keeps() -> None:
    """Else a label would link the entries of the record, which are for op and admin, to a person."""
    assert label(KEY, "user", "u1", DAY).partition("-")[2] not in whose(KEY, "user", "u1")


@pytest.mark.parametrize(
    "text", ["", "u1", "user-", "user-12345678901g", "user-1234567890123", "USER-123456789012"]
)
def test_what_is_no_label_means_nobody(text: str) -> None:
    assert kind_of(text) is None
    assert not list(meant(KEY, text, ["u1", text], datetime(2026, 11, 29, tzinfo=UTC)))


def test_it_is_found_among_all_ids_until_the_next_day_ends() -> None:
    ids = [f"u{number}" for number in range(1_000)]
    shown = label(KEY, "user", "u7", DAY)
    for hour in (datetime(2026, 11, 29, 0, tzinfo=UTC), datetime(2026, 11, 30, 23, 59, tzinfo=UTC)):
        assert list(meant(KEY, shown, ids, hour)) == ["u7"]
    assert not list(meant(KEY, shown, ids, datetime(2026, 12, 1, tzinfo=UTC)))
