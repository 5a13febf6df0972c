"""Selects the counters of a period: days, and hours at its edges. Pure."""

from msgspec import Struct

from streaming.contract.period import Window
from streaming.contract.time_units import HOUR_MS
from streaming.dedup.counters import day_name, hour_name


class CounterPlan(Struct, frozen=True):
    """The counters whose union is the users with a session in `counted`."""

    days: range
    """Days since 1970."""
    hours: tuple[int, ...]
    """Hours since 1970; none of them is in one of the days."""
    counted: Window
    """The requested period, widened to the counters that exist."""


def plan(requested: Window, hours_since_ms: int) -> CounterPlan:
    """Returns the counters of the narrowest period around `requested` that consists of whole days and, from
    `hours_since_ms` on, whole hours; as few counters as possible."""
    first, end = _hour_before(requested.from_ms), -_hour_before(-requested.to_ms)
    oldest = -_hour_before(-hours_since_ms)
    # If not all hours of an edge are kept, the edge is widened to a whole day.
    if first < oldest:
        first -= first % 24
    if end % 24 and max(first, end - end % 24) < oldest:
        end += 24 - end % 24
    days = range(-(-first // 24), max(-(-first // 24), end // 24))
    if days:
        hours = (*range(first, days.start * 24), *range(days.stop * 24, end))
    else:
        hours = tuple(range(first, end))
    return CounterPlan(days, hours, Window(first * HOUR_MS, end * HOUR_MS))


def counters(of: CounterPlan, dimension: str = "", value: str = "") -> list[str]:
    """Returns the names of the counters, as the gate writes them."""
    return [
        *(day_name(day, dimension, value) for day in of.days),
        *(hour_name(hour, dimension, value) for hour in of.hours),
    ]


def _hour_before(at_ms: int) -> int:
    return at_ms // HOUR_MS
