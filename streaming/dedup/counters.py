"""The counters of distinct users: one for each UTC day and hour of event time, in all and by dimension.
Pure."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from streaming.contract.session import Visit
from streaming.contract.time_units import DAY_MS, HOUR_MS
from streaming.words.lists import Words

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALL = "all"
"""The name of the counter of all users over all time."""
DIMENSIONS = ("country", "device", "referrer")


class Kept(NamedTuple):
    """How long counters are kept after the end of their hour or day."""

    hours_ms: int
    days_ms: int

    def hour_ends_ms(self, hour: int) -> int:
        """Returns when the counter of an hour since 1970 is dropped."""
        return (hour + 1) * HOUR_MS + self.hours_ms

    def day_ends_ms(self, day: int) -> int:
        """Returns when the counter of a day since 1970 is dropped."""
        return (day + 1) * DAY_MS + self.days_ms


CounterKey = tuple[int, bool, str, str, str]
"""What determines a session's counters: hour since 1970 (UNCOUNTED if even its day is too old), and whether
it is counted by the hour (if not, it is the first hour of its day); country, device type and referrer, each
bounded by its list (streaming.words)."""


UNCOUNTED = -1
"""In place of the hour of a session that is in no counter but that of all users."""

Breakdown = tuple[int, bool, str, str]
"""Hour and whether it is counted by the hour, as in CounterKey; dimension and value ("" for all). It stands
for a counter of the day and, if counted by the hour, one of the hour."""


def counter_key(session: Visit, arrived_at_ms: int, kept: Kept, words: Words) -> CounterKey:
    """Returns the key of a session's counters. An hour or day whose counter would already be dropped is not
    counted, as is usual for the hours of imports. The key depends only on the message, the lists and how long
    counters are kept."""
    hour = session.event_time_ms // HOUR_MS
    hourly = session.event_time_ms >= arrived_at_ms - kept.hours_ms
    if not hourly:
        hour -= hour % 24
        if kept.day_ends_ms(hour // 24) <= arrived_at_ms:
            return (UNCOUNTED, False, "", "", "")
    return (hour, hourly, *words.key_words(session.country, session.device_type, session.referrer))


def breakdowns(of: CounterKey) -> tuple[Breakdown, Breakdown, Breakdown, Breakdown]:
    """Returns the breakdowns of a session with this key: all, country, device, referrer."""
    hour, hourly, country, device, referrer = of
    if hour == UNCOUNTED:
        nothing = (UNCOUNTED, False, "", "")
        return (nothing, nothing, nothing, nothing)
    return (
        (hour, hourly, "", ""),
        (hour, hourly, "country", country),
        (hour, hourly, "device", device),
        (hour, hourly, "referrer", referrer),
    )


def day_name(day: int, dimension: str = "", value: str = "") -> str:
    """Returns the name of the counter of a day since 1970, such as `2026-11-24` or
    `2026-11-24:country:NL`."""
    return (_EPOCH + timedelta(days=day)).date().isoformat() + _by(dimension, value)


def hour_name(hour: int, dimension: str = "", value: str = "") -> str:
    """Returns the name of the counter of an hour since 1970, such as `2026-11-24T13:country:NL`."""
    return f"{day_name(hour // 24)}T{hour % 24:02}" + _by(dimension, value)


def _by(dimension: str, value: str) -> str:
    return f":{dimension}:{value}" if dimension else ""


_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:T(\d\d))?(?::(country|device|referrer):(.*))?", re.DOTALL)


def parsed_name(name: str) -> Breakdown | None:
    """Returns what `day_name` or `hour_name` has turned into `name`; None for any other name."""
    found = _NAME.fullmatch(name)
    if not found:
        return None
    date, hour, dimension, value = found.groups()
    try:
        day = (datetime.fromisoformat(date).replace(tzinfo=UTC) - _EPOCH).days
    except ValueError:
        return None
    return (day * 24 + int(hour or 0), hour is not None, dimension or "", value or "")
