"""Leaves out of a comparison what is older than the retention's boundaries, and counts it. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from streaming.contract import topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.valid_session import ValidSession
from streaming.reconcile.expected_documents import MONGODB
from streaming.reconcile.report import Expired
from streaming.retention.boundary import Boundaries, is_before
from streaming.stores import Document


class NotExpired:
    """Filters the stores of one comparison."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._before_ms = {name: boundaries.of_index(name) for name in topics.INDEXED}
        self._before_ms[MONGODB] = boundaries.sessions_ms
        self._sessions = 0
        self._documents = Counter[str]()

    def of(self, where: str, found: Iterable[tuple[str, Document]]) -> Iterator[tuple[str, Document]]:
        """Yields (id, document) of what is to be compared of a store."""
        before_ms = self._before_ms[where]
        for id_, document in found:
            if is_before(document, before_ms):
                self._documents[where] += 1
            else:
                yield id_, document

    def has_expired(self, where: str, at_ms: int) -> bool:
        """True if a store need not have a document with this event time."""
        return at_ms < self._before_ms[where]

    def note(self, session: ValidSession | ErasedSession) -> None:
        """Counts a valid session of the log, or of MongoDB, if it has expired."""
        self._sessions += self.has_expired(MONGODB, session.event_time_ms)

    def counted(self) -> Expired:
        """Returns what was left out so far."""
        before_ms = {where: at_ms for where, at_ms in sorted(self._before_ms.items()) if at_ms}
        return Expired(before_ms=before_ms, sessions=self._sessions, documents=dict(self._documents))
