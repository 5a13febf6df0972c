"""The counters of distinct users: one for each UTC day and hour of event time, in all and by dimension.
Pure."""

from datetime import UTC, datetime, timedelta

from streaming.contract.session import Visit
from streaming.contract.time_units import HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALL = "all"
"""The name of the counter of all users over all time."""
DIMENSIONS = ("country", "device", "referrer")

CounterKey = tuple[int, bool, str, str, str]
"""What determines a session's counters: hour since 1970, and whether it is counted by the hour (if not, it is
the first hour of its day); country, device type, referrer."""


Breakdown = tuple[int, bool, str, str]
"""Hour and whether it is counted by the hour, as in CounterKey; dimension and value ("" for all). It stands
for a counter of the day and, if counted by the hour, one of the hour."""


def counter_key(session: Visit, arrived_at_ms: int, hours_kept_ms: int) -> CounterKey:
    """Returns the key of a session's counters. An hour whose counter would already be dropped is not counted,
    as is usual for imports. The key depends only on the message."""
    hour = session.event_time_ms // HOUR_MS
    hourly = session.event_time_ms >= arrived_at_ms - hours_kept_ms
    if not hourly:
        hour -= hour % 24
    return (hour, hourly, session.country, session.device_type, session.referrer)


def breakdowns(of: CounterKey) -> tuple[Breakdown, Breakdown, Breakdown, Breakdown]:
    """Returns the breakdowns of a session with this key: all, country, device, referrer."""
    hour, hourly, country, device, referrer = of
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
