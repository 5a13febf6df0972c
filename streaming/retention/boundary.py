"""Which sessions and documents have expired, for whoever compares or counts them. Pure.

A boundary is the beginning of a month (UTC). It is recorded before anything is deleted and never goes back.
So of what is older, any part may be missing, and what is younger is all there. Windows are hours and never
lie across a boundary: all sessions of a window have expired, or none.
"""

from collections.abc import Mapping

from msgspec import Struct

from streaming.stores import Document


class Boundaries(Struct, frozen=True):
    """By store, the event time in milliseconds before which everything has expired; 0 if nothing has."""

    sessions_ms: int = 0
    """Of MongoDB's sessions."""
    indexes_ms: Mapping[str, int] = {}
    """Of Elasticsearch's indexes."""

    def of_index(self, index: str) -> int:
        """Returns the event time before which `index` cannot be compared: its documents have expired, or the
        sessions from which they follow."""
        return max(self.sessions_ms, self.indexes_ms.get(index, 0))


NOTHING_EXPIRED = Boundaries()


def event_time_ms(document: Document) -> int | None:
    """Returns when what a document is about happened; None if it does not say: then it never expires."""
    found = document.get("eventTimeMs", document.get("windowStartMs"))
    return found if isinstance(found, int) else None


def is_before(document: Document, boundary_ms: int) -> bool:
    """True if `document` has expired by this boundary."""
    at_ms = event_time_ms(document) if boundary_ms else None
    return at_ms is not None and at_ms < boundary_ms
