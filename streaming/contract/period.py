"""A period of arrival, as people write it and as the stages count it. Pure."""

from datetime import UTC, datetime

from msgspec import Struct

END_OF_TIME_MS = 253_402_300_799_999


class Window(Struct, frozen=True, order=True):
    """What arrived at from_ms <= arrivedAtMs < to_ms."""

    from_ms: int
    to_ms: int

    def overlaps(self, other: "Window") -> bool:
        return self.from_ms < other.to_ms and other.from_ms < self.to_ms


def period(start: str | None, end: str | None) -> Window | None:
    """The window between two ISO 8601 dates or moments, UTC unless they say otherwise, either of which may be
    left open; None if both are. Raises ValueError if one cannot be read or the end does not come after the
    start."""
    if start is None and end is None:
        return None
    asked = Window(
        0 if start is None else _moment_ms(start), END_OF_TIME_MS if end is None else _moment_ms(end)
    )
    if asked.from_ms >= asked.to_ms:
        raise ValueError(f"The period must end after it begins, but {end} is not after {start or 1970}")
    return asked


def _moment_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text} is no moment: {error}") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
