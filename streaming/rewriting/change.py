"""What a topic holds after it was written anew. Pure."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct, field

from streaming.contract.headers import Headers

_BITS = 16


class Logged(Struct, frozen=True):
    """A record of a topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)
    timestamp_ms: int = 0
    """As the record has it; 0: unknown. Some topics have the broker's clock instead."""


class Place(NamedTuple):
    """By what a record is known again, wherever it stands in its topic."""

    within: Hashable
    offset: int


class Left(NamedTuple):
    """What is left of a record."""

    place: Place | None
    """The same for every copy of it; None if the record does not say."""
    record: Logged


Change = Callable[[Logged], Left | None]
"""Returns what is left of a record; None if it goes. It changes nothing in what it has changed already."""


def anew(records: Iterable[Logged], change: Change) -> Iterator[Logged]:
    """Yields what `change` leaves of `records`, in their order, each once: a rewrite that was killed may have
    written some already."""
    seen = _Seen()
    for record in records:
        left = change(record)
        if left is not None and (left.place is None or seen.is_new(left.place)):
            yield left.record


class _Seen:
    """Places that have occurred: offsets are dense, so each takes about a bit."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[Hashable, int], bytearray] = {}

    def is_new(self, place: Place) -> bool:
        """False if it was asked before."""
        chunk = self._chunks.setdefault((place.within, place.offset >> _BITS), bytearray(1 << _BITS - 3))
        at = place.offset & (1 << _BITS) - 1
        new = not chunk[at >> 3] >> (at & 7) & 1
        chunk[at >> 3] |= 1 << (at & 7)
        return new
