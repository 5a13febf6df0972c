"""The cuts by which distinct users are counted: in all, and each UTC day of event time by dimension. Pure."""

from datetime import UTC, datetime, timedelta

from streaming.events.contract import Session

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

ALL = "all"
"""The one cut over all days: a new user is counted there once."""

Place = tuple[int, str, str, str]
"""Day since 1970, country, device type, referrer: sessions of one place are counted by the same cuts."""


def place(session: Session) -> Place:
    return (session.event_time_ms // DAY_MS, session.country, session.device_type, session.referrer)


def cuts(of: Place) -> tuple[str, str, str, str]:
    """Names of the day's cuts that a session at this place is counted by."""
    day_number, country, device, referrer = of
    day = (_EPOCH + timedelta(days=day_number)).date().isoformat()
    return (day, f"{day}:country:{country}", f"{day}:device:{device}", f"{day}:referrer:{referrer}")
