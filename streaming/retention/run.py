"""Deletes what is due, in all places, or says what would be deleted. Pure.

Each boundary is remembered before anything behind it is deleted. So whoever compares the stores knows of it,
whenever a run dies; the next run goes on.
"""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from streaming.retention.place import MOST_DELETIONS, Deletion, Kept, Place, Record
from streaming.retention.plan import Limit, limits


class Done(Struct, frozen=True):
    """What a run did in one place, or would do."""

    place: str
    days: int
    """How long it keeps; 0: for ever."""
    before_ms: int
    """Everything before this moment is due; 0: nothing."""
    amount: int
    """How much was deleted, or is due if nothing is to be deleted."""
    unit: str
    oldest_ms: int | None
    """Of what is left."""


def run(
    places: Mapping[str, Place],
    days: Mapping[str, int],
    record: Record,
    now_ms: Callable[[], int],
    only_look: bool,
) -> Iterator[Done]:
    """Yields what was done in each of `places`, one after the other. `days`: how long each keeps.
    `only_look`: nothing is deleted or remembered. Raises what a place or the record raises."""
    remembered = record.read()
    boundaries_ms = {name: kept.before_ms for name, kept in remembered.items()}
    for limit in limits(days, now_ms(), boundaries_ms):
        place = places.get(limit.place)
        if place is None:
            continue
        if only_look:
            amount = place.due(limit.before_ms) if limit.before_ms else 0
        else:
            before = remembered.get(limit.place) or Kept(place=limit.place, days=limit.days)
            amount = _delete(place, limit, before, record, now_ms)
        yield Done(limit.place, limit.days, limit.before_ms, amount, place.unit, place.oldest_ms())


def _delete(place: Place, limit: Limit, before: Kept, record: Record, now_ms: Callable[[], int]) -> int:
    kept = replace(before, days=limit.days, before_ms=limit.before_ms, unit=place.unit)
    if kept != before:
        record.write(kept)
    amount = place.delete(limit.before_ms) if limit.before_ms else 0
    ended_ms = now_ms()
    deletions = before.deletions
    if amount:
        deletions = (Deletion(ended_ms, limit.before_ms, amount), *deletions)[:MOST_DELETIONS]
    oldest_ms = place.oldest_ms()
    record.write(replace(kept, oldest_ms=oldest_ms, looked_at_ms=ended_ms, deletions=deletions))
    return amount
