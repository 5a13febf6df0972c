"""Sessions in MongoDB, or in the embedded wire-compatible server: only what both do alike is used."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, PyMongoError

from streaming.ports import Document, StoreAway, session_version
from streaming.settings import MongoSettings

COLLECTION = "sessions"
INDEXED = ("arrivedAtMs", "eventTimeMs", "userId")
PAGE = 10_000
"""Documents asked for at once: the embedded server holds a whole answer in memory."""

_DUPLICATE_KEY = 11000
_ASKED_AT_ONCE = 500
_VERSION_FIELD = "arrivedAtMs"
_TIMEOUT_MS = 5_000
_ANSWER_TIMEOUT_MS = 60_000

P = ParamSpec("P")
T = TypeVar("T")


class _PlainLong(TypeDecoder):
    """Long integers as `int`, in the place of the subclass by which BSON marks them."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


def client(settings: MongoSettings) -> MongoClient[Document]:
    """A client that gives up on an absent server after seconds: the stages wait and retry by themselves."""
    return MongoClient(
        settings.uri.get_secret_value(),
        serverSelectionTimeoutMS=_TIMEOUT_MS,
        connectTimeoutMS=_TIMEOUT_MS,
        socketTimeoutMS=_ANSWER_TIMEOUT_MS,
        appname="vitrine",
        type_registry=TypeRegistry([_PlainLong()]),
    )


def available(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`call(...)`, every failure of the server as StoreAway. Its text may quote documents: it is left out."""
    try:
        return call(*args, **kwargs)
    except PyMongoError as error:
        raise StoreAway(f"MongoDB does not answer as it should ({type(error).__name__})") from error


class MongoSessions:
    """The collection `sessions`, as a SessionStore."""

    def __init__(self, settings: MongoSettings) -> None:
        # Acknowledged means on disk, and on most members where there are several.
        self._sessions: Collection[Document] = client(settings)[settings.database].get_collection(
            COLLECTION, write_concern=WriteConcern(w="majority", j=True)
        )

    def prepare(self) -> None:
        for field in INDEXED:
            available(self._sessions.create_index, field)

    def insert(self, sessions: Sequence[Document]) -> int:
        if not sessions:
            return 0
        try:
            return len(available(self._sessions.insert_many, sessions, ordered=False).inserted_ids)
        except StoreAway as unavailable:
            error = unavailable.__cause__
            if not isinstance(error, BulkWriteError):
                raise
            details = error.details
            codes = {failure["code"] for failure in details["writeErrors"]}
            if codes != {_DUPLICATE_KEY} or details.get("writeConcernErrors"):
                raise StoreAway(
                    f"MongoDB did not store all sessions (error codes {sorted(codes)})"
                ) from error
            held_already = [sessions[failure["index"]] for failure in details["writeErrors"]]
            self._supersede(held_already)
            return int(details["nInserted"])

    def _supersede(self, sessions: Sequence[Document]) -> None:
        """Puts each of `sessions` in the place of what has its id, if that is another content of no later
        version. A replay finds all alike and writes nothing."""
        held: dict[object, Document] = {}
        ids = list({session["_id"] for session in sessions})
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            query = {"_id": {"$in": ids[start : start + _ASKED_AT_ONCE]}}
            held |= {document["_id"]: document for document in available(list, self._sessions.find(query))}
        for session in sorted(sessions, key=session_version):
            there = held.get(session["_id"], {})
            if there == session or session_version(there) > session_version(session):
                continue
            # Only if it is still what was just read: nobody else may have put a later one there.
            unchanged = {"_id": session["_id"], _VERSION_FIELD: there.get(_VERSION_FIELD)}
            available(self._sessions.replace_one, unchanged, session)
            held[session["_id"]] = session

    def scan(self) -> Iterator[Document]:
        seen, last = 0, ""
        while page := available(self._page, last):
            seen, last = seen + len(page), page[-1]["_id"]  # before a reader may change the documents
            yield from page
        # A range of strings finds ids of no other type: they are asked for, slowly, if there may be some.
        if seen != self.estimated_count():
            yield from available(self._of_other_id_types)

    def find(self, session_id: str) -> Document | None:
        """The one session of this id."""
        return available(self._sessions.find_one, {"_id": session_id})

    def estimated_count(self) -> int:
        return available(self._sessions.estimated_document_count)

    def _page(self, after: str) -> list[Document]:
        # Ids are never empty, so that "" comes before the first.
        return list(self._sessions.find({"_id": {"$gt": after}}).sort("_id", 1).limit(PAGE))

    def _of_other_id_types(self) -> list[Document]:
        return list(self._sessions.find({"$nor": [{"_id": {"$type": "string"}}]}))
