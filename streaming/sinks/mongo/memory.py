"""A SessionStore that only remembers, for unit tests."""

from collections.abc import Iterator, Sequence
from copy import deepcopy

from streaming.sinks.port import session_version
from streaming.stores import Document, StoreUnavailable


class InMemorySessions:
    """Set `away` to have every call answered by StoreUnavailable."""

    def __init__(self) -> None:
        self.by_id: dict[object, Document] = {}
        self.away = False

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")

    def prepare(self) -> None:
        self._answer()

    def insert(self, sessions: Sequence[Document]) -> int:
        self._answer()
        before = len(self.by_id)
        for session in sessions:
            held = self.by_id.get(session["_id"])
            if held is None or session_version(held) <= session_version(session):
                self.by_id[session["_id"]] = deepcopy(session)
        return len(self.by_id) - before

    def remove(self, ids: Sequence[object]) -> None:
        self._answer()
        for id_ in ids:
            self.by_id.pop(id_, None)

    def of_user(self, user_pseudonym: str, before_ms: int, most: int) -> list[Document]:
        self._answer()
        found = (one for one in self.by_id.values() if one.get("userPseudonym") == user_pseudonym)
        return deepcopy([one for one in found if one["arrivedAtMs"] < before_ms][:most])

    def scan(self) -> Iterator[Document]:
        self._answer()
        yield from deepcopy(list(self.by_id.values()))

    def key_ids(self, among: int | None = None) -> frozenset[str]:
        self._answer()
        some = list(self.by_id.values())[:among]
        return frozenset(one["pseudonymKey"] for one in some if "pseudonymKey" in one)

    def estimated_count(self) -> int:
        self._answer()
        return len(self.by_id)
