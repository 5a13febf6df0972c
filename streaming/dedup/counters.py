"""The cuts by which distinct users are counted: by UTC day and hour of event time, each in all and by
dimension. Pure."""

from datetime import UTC, datetime, timedelta

from streaming.contract.session import Visit
from streaming.contract.time_units import HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALL = "all"
"""The one cut over all time."""
DIMENSIONS = ("country", "device", "referrer")

CounterKey = tuple[int, bool, str, str, str]
"""Hour since 1970 and whether it is counted by the hour (else it is the first of its day); country, device
type, referrer: sessions of one place are counted by the same cuts."""


Breakdown = tuple[int, bool, str, str]
"""Hour and whether it is counted, as in a place; dimension and value ("" for all): a counter of the day and,
where hours are counted, one of the hour."""


def counter_key(session: Visit, arrived_at_ms: int, hours_kept_ms: int) -> CounterKey:
    """Where a session is counted: an hour that would not be kept any more, and an import's seldom would, is
    left out. It follows from the message alone."""
    hour = session.event_time_ms // HOUR_MS
    hourly = session.event_time_ms >= arrived_at_ms - hours_kept_ms
    if not hourly:
        hour -= hour % 24
    return (hour, hourly, session.country, session.device_type, session.referrer)


def breakdowns(of: CounterKey) -> tuple[Breakdown, Breakdown, Breakdown, Breakdown]:
    """Those that a session at this place is counted by: all, country, device, referrer."""
    hour, hourly, country, device, referrer = of
    return (
        (hour, hourly, "", ""),
        (hour, hourly, "country", country),
        (hour, hourly, "device", device),
        (hour, hourly, "referrer", referrer),
    )


def day_name(day: int, dimension: str = "", value: str = "") -> str:
    """The counter of a day since 1970, as `2026-11-24` or `2026-11-24:country:NL`."""
    return (_EPOCH + timedelta(days=day)).date().isoformat() + _by(dimension, value)


def hour_name(hour: int, dimension: str = "", value: str = "") -> str:
    """The counter of an hour since 1970, as `2026-11-24T13:country:NL`."""
    return f"{day_name(hour // 24)}T{hour % 24:02}" + _by(dimension, value)


def _by(dimension: str, value: str) -> str:
    return f":{dimension}:{value}" if dimension else ""
