"""Expired sessions in MongoDB, or in the embedded server, deleted in bounded steps.

A range, a sort and a limit on one indexed field: both servers answer such a query from the index.
"""

from pymongo import WriteConcern
from pymongo.collection import Collection

from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import COLLECTION, available, client, with_id
from streaming.stores import Document, StoreUnavailable

TIME = "eventTimeMs"
STEP = 500
"""Sessions deleted at once: the stages and pages are served between two steps."""
PAGE = 5_000
"""Sessions counted at once."""


class ExpiringSessions:
    """The collection `sessions`, as a Place."""

    unit = "sessions"

    def __init__(self, settings: MongoSettings) -> None:
        safe = WriteConcern(w="majority", j=True)
        database = client(settings)[settings.database]
        self._sessions: Collection[Document] = database.get_collection(COLLECTION, write_concern=safe)

    def oldest_ms(self) -> int | None:
        found = self._from(0, None, 1)
        return int(found[0][TIME]) if found else None

    def due(self, before_ms: int) -> int:
        total, start_ms, limit = 0, 0, PAGE
        while True:
            times = [document[TIME] for document in self._from(start_ms, before_ms, limit)]
            if len(times) < limit:
                return total + len(times)
            # Those of the last moment are counted with the next page, which begins there.
            whole = sum(at < times[-1] for at in times)
            if whole:
                total, start_ms, limit = total + whole, times[-1], PAGE
            else:
                limit *= 2

    def delete(self, before_ms: int) -> int:
        total = 0
        while found := self._from(0, before_ms, STEP):
            # The time again: a later version may just have come in the place of one of them.
            still_due = with_id(*(document["_id"] for document in found)) | {TIME: {"$lt": before_ms}}
            deleted = available(self._sessions.delete_many, still_due).deleted_count
            if not deleted:
                raise StoreUnavailable(f"MongoDB deleted none of {len(found)} expired sessions")
            total += deleted
        return total

    def _from(self, start_ms: int, before_ms: int | None, limit: int) -> list[Document]:
        within = {"$gte": start_ms} if before_ms is None else {"$gte": start_ms, "$lt": before_ms}
        found = self._sessions.find({TIME: within}, [TIME]).sort(TIME, 1).limit(limit).batch_size(limit)
        return available(list, found)
