"""What the run of retention needs of each place. Pure."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Place(Protocol):
    """One place that keeps things for a time. Every method may raise StoreUnavailable or OSError."""

    unit: str
    """What is counted, in the plural."""

    def oldest_ms(self) -> int | None:
        """Returns the time of the oldest thing that is kept; None if there is none."""

    def due(self, before_ms: int) -> int:
        """Counts what is before this moment."""

    def delete(self, before_ms: int) -> int:
        """Deletes what is before this moment, and nothing else; returns how much that was. Called again, also
        after it was killed midway, it deletes the rest."""


class Deletion(Struct, rename="camel", frozen=True):
    """What one run deleted in one place."""

    at_ms: int
    before_ms: int
    deleted: int


class Kept(Struct, rename="camel", frozen=True, kw_only=True):
    """What is remembered of one place."""

    place: str
    days: int
    """As it was set at the last run; 0: for ever."""
    before_ms: int = 0
    """Everything before this moment is deleted, or about to be; 0: nothing."""
    unit: str = ""
    oldest_ms: int | None = None
    looked_at_ms: int = 0
    """When a run ended here last, and `oldest_ms` was found."""
    deletions: tuple[Deletion, ...] = ()
    """The newest first; runs that found nothing to delete are left out."""


MOST_DELETIONS = 50


class Record(Protocol):
    """Remembers boundaries and deletions. Every method may raise StoreUnavailable."""

    def read(self) -> Mapping[str, Kept]:
        """Returns what is remembered, by place."""

    def write(self, kept: Kept) -> None:
        """Replaces what is remembered of a place. On return it is safe from a crash."""


class InMemoryRecord:
    """A Record that only remembers, for unit tests."""

    def __init__(self) -> None:
        self.by_place: dict[str, Kept] = {}

    def read(self) -> Mapping[str, Kept]:
        return dict(self.by_place)

    def write(self, kept: Kept) -> None:
        self.by_place[kept.place] = kept
