"""Which counters a session is counted by."""

from support.sessions import session

from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.dedup.counters import breakdowns, counter_key, day_name, hour_name


def test_a_session_is_counted_in_all_and_by_each_dimension() -> None:
    hour = 20_000 * 24 + 13
    assert breakdowns((hour, True, "NL", "mobile", "Direct")) == (
        (hour, True, "", ""),
        (hour, True, "country", "NL"),
        (hour, True, "device", "mobile"),
        (hour, True, "referrer", "Direct"),
    )


def test_the_hours_of_an_old_import_are_not_counted() -> None:
    visit = session()
    at_ms = visit.event_time_ms
    hour, hourly, *_ = counter_key(visit, at_ms + DAY_MS, DAY_MS)
    assert (hour, hourly) == (at_ms // HOUR_MS, True)
    hour, hourly, *_ = counter_key(visit, at_ms + DAY_MS + 1, DAY_MS)
    assert (hour, hourly) == (at_ms // DAY_MS * 24, False)


def test_names_are_those_of_utc() -> None:
    assert day_name(0) == "1970-01-01"
    assert day_name(20_000, "country", "a:b") == "2024-10-04:country:a:b"
    assert hour_name(25, "device", "mobile") == "1970-01-02T01:device:mobile"
