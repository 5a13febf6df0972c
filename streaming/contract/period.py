"""Parses a period of arrival, as users write it, into milliseconds. Pure."""

from datetime import UTC, datetime

from msgspec import Struct

END_OF_TIME_MS = 253_402_300_799_999


class Window(Struct, frozen=True, order=True):
    """The arrivals with from_ms <= arrivedAtMs < to_ms."""

    from_ms: int
    to_ms: int

    def overlaps(self, other: "Window") -> bool:
        return self.from_ms < other.to_ms and other.from_ms < self.to_ms


def period(start: str | None, end: str | None) -> Window | None:
    """Returns the window between two ISO 8601 dates or times, UTC unless they have a zone. Either may be
    None, which leaves that end open; if both are, returns None. Raises ValueError if one cannot be parsed, or
    if the end is not after the start."""
    if start is None and end is None:
        return None
    window = Window(
        0 if start is None else _moment_ms(start), END_OF_TIME_MS if end is None else _moment_ms(end)
    )
    if window.from_ms >= window.to_ms:
        raise ValueError(f"The period must end after it begins, but {end} is not after {start or 1970}")
    return window


def _moment_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is not a date or time: {error}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
