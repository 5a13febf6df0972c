"""Which counters answer for a period: days where they are whole, hours at the edges. Pure."""

from msgspec import Struct

from streaming.contract.period import Window
from streaming.contract.time_units import HOUR_MS
from streaming.dedup.counters import day_name, hour_name


class CounterPlan(Struct, frozen=True):
    """Their union is what users had a session in `counted`."""

    days: range
    """Since 1970."""
    hours: tuple[int, ...]
    """Since 1970, none of them in one of the days."""
    counted: Window
    """The period asked for, widened to what there is."""


def plan(asked: Window, hours_since_ms: int) -> CounterPlan:
    """The narrowest period around `asked` that whole days and, from `hours_since_ms` on, hours make up, in as
    few counters as there are for it."""
    first, end = _hour_before(asked.from_ms), -_hour_before(-asked.to_ms)
    oldest = -_hour_before(-hours_since_ms)
    # An edge whose hours are not all there is a whole day: to the day's end from its first hour, or from its
    # beginning up to its last.
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
    """Their names, as the gate gave them."""
    return [
        *(day_name(day, dimension, value) for day in of.days),
        *(hour_name(hour, dimension, value) for hour in of.hours),
    ]


def _hour_before(at_ms: int) -> int:
    return at_ms // HOUR_MS
