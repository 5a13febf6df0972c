"""Reads the sessions of a window from MongoDB page by page, in bounded memory."""

from collections.abc import Iterator
from typing import Any

from pymongo.collection import Collection

from streaming.contract.erased_session import ERASED
from streaming.contract.period import Window

PAGE = 10_000
TIME = "arrivedAtMs"

_WITHHELD = dict.fromkeys(("identity", "gender", "city", "reviews"), False)
"""Fields that no extract may contain: they are not even read from the store."""

_EARLIER = "sessionId"
"""A field that only sessions of an earlier release have among the others."""

Document = dict[str, Any]


class NotMigrated(Exception):
    """MongoDB has sessions of an earlier release, with ids among the other fields."""

    def __str__(self) -> str:
        return (
            "MongoDB has sessions of an earlier release: run ./vitrine migrate, then try again. Any that "
            "it leaves, no stage wrote: ./vitrine reconcile names them; delete them from MongoDB"
        )


def pages(sessions: Collection[Document], window: Window, size: int = PAGE) -> Iterator[list[Document]]:
    """Yields the sessions of `window` in order of arrival, at most about `size` per page: what is left of
    erased ones is left out. Raises NotMigrated.

    The query is a range, a sort and a limit on one indexed field: both mongod and the embedded server answer
    it from the index. A full page is cut before its last arrival time, with which the next page begins. If
    the whole page has the same arrival time (the broker gives a whole batch the same one), a longer page is
    read.
    """
    start, limit = window.from_ms, size
    while True:
        query = {TIME: {"$gte": start, "$lt": window.to_ms}}
        page = list(sessions.find(query, _WITHHELD).sort(TIME, 1).limit(limit))
        if any(_EARLIER in document for document in page):
            raise NotMigrated
        if len(page) < limit:
            if page:
                yield _present(page)
            return
        last = page[-1][TIME]
        whole = [document for document in page if document[TIME] < last]
        if whole:
            yield _present(whole)
            start, limit = last, size
        else:
            limit *= 2


def _present(page: list[Document]) -> list[Document]:
    return [document for document in page if ERASED not in document]
