"""Which counters a session is counted by."""

from support.sessions import valid_session

from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.dedup.counters import (
    UNCOUNTED,
    Kept,
    breakdowns,
    counter_key,
    day_name,
    hour_name,
    parsed_name,
)
from streaming.words.lists import Words

WORDS = Words()


def test_a_session_is_counted_in_all_and_by_each_dimension() -> None:
    hour = 20_000 * 24 + 13
    assert breakdowns((hour, True, "NL", "mobile", "Direct")) == (
        (hour, True, "", ""),
        (hour, True, "country", "NL"),
        (hour, True, "device", "mobile"),
        (hour, True, "referrer", "Direct"),
    )


def test_the_hours_and_days_of_an_old_import_are_not_counted() -> None:
    visit, kept = valid_session(), Kept(hours_ms=DAY_MS, days_ms=3 * DAY_MS)
    at_ms = visit.event_time_ms
    hour, hourly, *_ = counter_key(visit, at_ms + DAY_MS, kept, WORDS)
    assert (hour, hourly) == (at_ms // HOUR_MS, True)
    hour, hourly, *_ = counter_key(visit, at_ms + DAY_MS + 1, kept, WORDS)
    assert (hour, hourly) == (at_ms // DAY_MS * 24, False)
    dropped_ms = kept.day_ends_ms(at_ms // DAY_MS)
    assert dropped_ms == (at_ms // DAY_MS + 4) * DAY_MS
    assert counter_key(visit, dropped_ms - 1, kept, WORDS)[0] == at_ms // DAY_MS * 24
    uncounted = counter_key(visit, dropped_ms, kept, WORDS)
    assert {hour for hour, *_ in breakdowns(uncounted)} == {UNCOUNTED}


def test_a_session_is_counted_by_the_words_of_lists() -> None:
    visit = valid_session(
        country="usa", device_type="MOBILE", referrer="https://www.google.co.uk/search?q=sofa"
    )
    assert counter_key(visit, visit.event_time_ms, Kept(0, 0), WORDS)[2:] == (
        "United States",
        "mobile",
        "Google",
    )
    odd = valid_session(
        country="Narnia", device_type="toaster", referrer="https://m.example/?email=a@b.example"
    )
    assert counter_key(odd, odd.event_time_ms, Kept(0, 0), WORDS)[2:] == ("other",) * 3


def test_names_are_those_of_utc() -> None:
    assert day_name(0) == "1970-01-01"
    assert day_name(20_000, "country", "a:b") == "2024-10-04:country:a:b"
    assert hour_name(25, "device", "mobile") == "1970-01-02T01:device:mobile"


def test_a_name_is_read_as_it_was_written() -> None:
    assert parsed_name(day_name(20_000)) == (480_000, False, "", "")
    assert parsed_name(day_name(20_000, "country", "a:b\n")) == (480_000, False, "country", "a:b\n")
    assert parsed_name(hour_name(480_013, "device", "mobile")) == (480_013, True, "device", "mobile")
    for other in ("all", "", "2026-13-01", "2026-11-24:city:Lima", "2026-11-24T"):
        assert parsed_name(other) is None
