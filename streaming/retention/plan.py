"""What is due for deletion at a moment. Pure.

Sessions, and what is made of single ones, expire by event time and by whole months: the boundary is the
beginning of the month in which the youngest session lies that is old enough. So all of it is kept for the
days that are set, and for up to a month longer. Folders and logs of runs expire one by one, by the time of
their last change.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from streaming.contract import topics
from streaming.contract.months import begin_ms, end_ms, month_of
from streaming.contract.time_units import DAY_MS
from streaming.retention.boundary import Boundaries

SESSIONS, EXTRACTS, TRUSTED, REPORTS, TASK_LOGS = "sessions", "extracts", "trusted", "reports", "task logs"
TOPICS = "topics"
"""Of Kafka, which deletes by itself: what retention remembers of it is only shown."""
DATED = (SESSIONS, *topics.INDEXED, EXTRACTS)
"""The places that keep by event time and whole months."""
CHANGED = (TRUSTED, REPORTS, TASK_LOGS)
"""The places that keep files by the time of their last change."""
PLACES = (*DATED, *CHANGED)
"""In the order of deletion: the reference first, so that nothing is made anew from what is about to go."""

FOR_EVER = 0
"""As a number of days."""

By = Literal["event time", "last change"]


class Limit(Struct, frozen=True):
    """How far back one place keeps what it holds."""

    place: str
    days: int
    """As it is set; 0: for ever."""
    before_ms: int
    """Everything before this moment is due; 0: nothing is."""
    by: By


def limits(days: Mapping[str, int], now_ms: int, recorded_ms: Mapping[str, int]) -> list[Limit]:
    """Returns the limit of each of PLACES at `now_ms`. `days`: how long each keeps. `recorded_ms`: boundaries
    at which was deleted before; none is undone when days are added or the clock is set back."""
    found = []
    for place in PLACES:
        kept = days[place]
        by: By = "event time" if place in DATED else "last change"
        before_ms = 0 if kept == FOR_EVER else max(0, now_ms - kept * DAY_MS)
        if place in DATED:
            before_ms = max(begin_ms(month_of(before_ms)), recorded_ms.get(place, 0))
        found.append(Limit(place, kept, before_ms, by))
    return found


def due_months(months: Iterable[str], before_ms: int) -> list[str]:
    """Returns the slices of which nothing is to be kept, the oldest first."""
    return sorted(month for month in months if end_ms(month) <= before_ms)


class Item(Struct, frozen=True):
    """A file or a folder that is removed as a whole."""

    name: str
    changed_at_ms: int
    """Of a folder: the newest change of anything in it."""


def due_items(items: Iterable[Item], before_ms: int) -> list[Item]:
    """Returns the items whose last change was before `before_ms`, the oldest first."""
    due = (item for item in items if item.changed_at_ms < before_ms)
    return sorted(due, key=lambda item: (item.changed_at_ms, item.name))


def boundaries(recorded_ms: Mapping[str, int]) -> Boundaries:
    """Returns what a reader of the stores must know of the boundaries recorded by place."""
    return Boundaries(
        recorded_ms.get(SESSIONS, 0), {index: recorded_ms.get(index, 0) for index in topics.INDEXED}
    )
