"""Sessions of a window, read from MongoDB page by page: flat memory, whatever the window holds."""

from collections.abc import Iterator
from typing import Any

from pymongo.collection import Collection

from streaming.contract.period import Window

PAGE = 10_000
TIME = "arrivedAtMs"

_WITHHELD = dict.fromkeys(("name", "email", "gender", "city", "zipCode", "reviews"), False)
"""What no extract may hold does not even leave the store."""

Document = dict[str, Any]


def pages(sessions: Collection[Document], window: Window, size: int = PAGE) -> Iterator[list[Document]]:
    """The sessions of `window` in order of arrival, about `size` a page.

    Only a range, a sort and a limit on the one indexed field are asked for: both mongod and the embedded
    server answer them from the index. A full page is cut before its last moment, which begins the next page;
    where one moment fills the page (the broker stamps a whole batch alike), a longer page is read.
    """
    start, limit = window.from_ms, size
    while True:
        query = {TIME: {"$gte": start, "$lt": window.to_ms}}
        page = list(sessions.find(query, _WITHHELD).sort(TIME, 1).limit(limit))
        if len(page) < limit:
            if page:
                yield page
            return
        last = page[-1][TIME]
        whole = [document for document in page if document[TIME] < last]
        if whole:
            yield whole
            start, limit = last, size
        else:
            limit *= 2
