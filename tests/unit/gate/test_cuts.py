"""Which counters a session is counted by."""

import pytest

from streaming.events.contract import Session
from streaming.events.parsing import parse
from streaming.gate.cuts import DAY_MS, HOUR_MS, cuts, day_name, hour_name, place
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic


@pytest.fixture(scope="module")
def session() -> Session:
    values = (message.value for message in traffic(TrafficSettings(sessions=50)))
    return next(s for value in values if isinstance(s := parse(value, 1 << 47), Session))


def test_cuts_name_the_utc_day_and_hour_and_each_dimension() -> None:
    found = cuts((20_000 * 24 + 13, True, "NL", "mobile", "Direct"))
    assert [cut.day for cut in found] == [
        "2024-10-04",
        "2024-10-04:country:NL",
        "2024-10-04:device:mobile",
        "2024-10-04:referrer:Direct",
    ]
    assert found[1].hour == "2024-10-04T13:country:NL"
    assert {cut.hour_ends_ms for cut in found} == {(20_000 * 24 + 14) * HOUR_MS}
    assert cuts((0, False, "a:b", "x", "y"))[1][:2] == ("1970-01-01:country:a:b", "")


def test_the_hours_of_an_old_import_are_not_counted(session: Session) -> None:
    at_ms = session.event_time_ms
    hour, hourly, *_ = place(session, at_ms + DAY_MS, DAY_MS)
    assert (hour, hourly) == (at_ms // HOUR_MS, True)
    hour, hourly, *_ = place(session, at_ms + DAY_MS + 1, DAY_MS)
    assert (hour, hourly) == (at_ms // DAY_MS * 24, False)


def test_names_are_those_of_utc() -> None:
    assert day_name(0) == "1970-01-01"
    assert hour_name(25, "device", "mobile") == "1970-01-02T01:device:mobile"
