"""Sessions in MongoDB, or in the embedded wire-compatible server: only features of both are used.

Two things are said in a form that suits the embedded server and changes nothing for mongod. Pages by `_id`
are asked for by `min`, which it answers from its index; `$gt` it compares in Python with everything that is
left. And ids are asked for by `$in` together with one that is no date, for what begins like a date it would
compare as one, and not find.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, ParamSpec, TypeVar
from uuid import uuid4

from bson.codec_options import TypeDecoder, TypeRegistry
from bson.int64 import Int64
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError, PyMongoError

from streaming.contract.erased_session import ERASED
from streaming.settings import MongoSettings
from streaming.sinks.port import session_version
from streaming.stores import Document, StoreUnavailable

COLLECTION = "sessions"
INDEXED = ("arrivedAtMs", "eventTimeMs", "userPseudonym")
_INDEXED_EARLIER = ("userId",)
SYNCED = "sessions_synced"
"""In the embedded server: one small document, which is written after every batch of sessions."""
PAGE = 2_000
"""Documents of one page: the embedded server builds a whole answer in memory while other clients wait."""

_DUPLICATE_KEY = 11000
_ASKED_AT_ONCE = 500
_VERSION_FIELD = "arrivedAtMs"
_KEY_ID = "pseudonymKey"
_NO_DATE = "-" * 129
"""Longer than a session id may be, by which an earlier release knew sessions, so that no session has it."""
_TIMEOUT_MS = 5_000
_ANSWER_TIMEOUT_MS = 60_000

D = TypeVar("D", bound=Mapping[str, Any])
P = ParamSpec("P")
T = TypeVar("T")


class _PlainLong(TypeDecoder):
    """Decodes long integers as `int`, not as the subclass by which BSON marks them."""

    bson_type = Int64

    def transform_bson(self, value: Any) -> int:
        return int(value)


def client(settings: MongoSettings) -> MongoClient[Document]:
    """Returns a client that gives up on an absent server after seconds: the stages wait and retry."""
    return MongoClient(
        settings.uri.get_secret_value(),
        serverSelectionTimeoutMS=_TIMEOUT_MS,
        connectTimeoutMS=_TIMEOUT_MS,
        socketTimeoutMS=_ANSWER_TIMEOUT_MS,
        appname="vitrine",
        type_registry=TypeRegistry([_PlainLong()]),
    )


def available(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `call`, and raises every failure of the server as StoreUnavailable, without its text, which may
    quote documents."""
    try:
        return call(*args, **kwargs)
    except PyMongoError as error:
        raise StoreUnavailable(f"MongoDB does not answer as it should ({type(error).__name__})") from error


def is_embedded(build_info: Mapping[str, Any]) -> bool:
    """True if this answer to `buildInfo` is the embedded server's; mongod names no process there."""
    return build_info.get("process") == "nx_27017"


class MongoSessions:
    """The collection `sessions`, as a SessionStore.

    Acknowledged means on disk, and on most members where there are several: mongod is asked for just that.
    The embedded server would sync its write-ahead log after every document of a batch. It gets the batch
    without that, and then one small write with it: the log is one file, and its sync takes in all that was
    written before. So neither kill -9 nor a power cut takes what `insert` has returned from; a power cut
    during `insert` may take any part of that batch, which its caller then gives again.
    """

    def __init__(self, settings: MongoSettings) -> None:
        database, safe = client(settings)[settings.database], WriteConcern(w="majority", j=True)
        self._database = database
        self._sessions: Collection[Document] = database.get_collection(COLLECTION, write_concern=safe)
        self._unsynced = self._sessions.with_options(write_concern=WriteConcern(w=1))
        self._synced: Collection[Document] = database.get_collection(SYNCED, write_concern=safe)

    def prepare(self) -> None:
        for field in INDEXED:
            available(self._sessions.create_index, field)

    def insert(self, sessions: Sequence[Document]) -> int:
        if not sessions:
            return 0
        # Asked each time: another server may have come to this address.
        if not is_embedded(available(self._database.command, "buildInfo")):
            return self._insert(self._sessions, sessions)
        new = self._insert(self._unsynced, sessions)
        available(self._sync)
        return new

    def _insert(self, into: Collection[Document], sessions: Sequence[Document]) -> int:
        try:
            return len(available(into.insert_many, sessions, ordered=False).inserted_ids)
        except StoreUnavailable as unavailable:
            error = unavailable.__cause__
            if not isinstance(error, BulkWriteError):
                raise
            details = error.details
            codes = {failure["code"] for failure in details["writeErrors"]}
            if codes != {_DUPLICATE_KEY} or details.get("writeConcernErrors"):
                raise StoreUnavailable(
                    f"MongoDB did not store all sessions (error codes {sorted(codes)})"
                ) from error
            held_already = [sessions[failure["index"]] for failure in details["writeErrors"]]
            self._supersede(into, held_already)
            return int(details["nInserted"])

    def _supersede(self, into: Collection[Document], sessions: Sequence[Document]) -> None:
        """Replaces the document of each id unless it is equal or of a later version. A replay finds all
        documents equal and writes nothing."""
        held: dict[object, Document] = {}
        ids = list({session["_id"] for session in sessions})
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            query = with_id(*ids[start : start + _ASKED_AT_ONCE])
            held |= {document["_id"]: document for document in available(list, into.find(query))}
        for session in sorted(sessions, key=session_version):
            there = held.get(session["_id"], {})
            if there == session or session_version(there) > session_version(session):
                continue
            # Only if it is still what was just read: nobody else may have put a later one there.
            unchanged = with_id(session["_id"]) | {_VERSION_FIELD: there.get(_VERSION_FIELD)}
            available(into.replace_one, unchanged, session)
            held[session["_id"]] = session

    def _sync(self) -> None:
        # Always another content: what changes nothing is not written, and so not synced either.
        mark = {"_id": COLLECTION, "batch": uuid4().hex}
        self._synced.replace_one({"_id": COLLECTION}, mark, upsert=True)

    def remove(self, ids: Sequence[object]) -> None:
        if not ids:
            return
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            available(self._sessions.delete_many, with_id(*ids[start : start + _ASKED_AT_ONCE]))
        if is_embedded(available(self._database.command, "buildInfo")):
            available(self._sync)

    def of_user(self, user_pseudonym: str, before_ms: int, most: int) -> list[Document]:
        query = {"userPseudonym": user_pseudonym, _VERSION_FIELD: {"$lt": before_ms}}
        return available(list, self._sessions.find(query).limit(most))

    def has_earlier(self) -> bool:
        """True if there are sessions of an earlier release, with ids among the other fields."""
        return any("sessionId" in found for found in documents(self._sessions, ["sessionId"]))

    def drop_earlier_indexes(self) -> None:
        """Drops the indexes that only earlier releases needed."""
        found = available(self._sessions.index_information).values()
        for field in _INDEXED_EARLIER:
            # By key: the embedded server tells other names than those by which it drops.
            if any([name for name, _ in index["key"]] == [field] for index in found):
                available(self._sessions.drop_index, f"{field}_1")

    def scan(self) -> Iterator[Document]:
        """In the server's order of ids."""
        return documents(self._sessions)

    def key_ids(self, among: int | None = None) -> frozenset[str]:
        some = islice(documents(self._sessions, [_KEY_ID]), among)
        return frozenset(str(one[_KEY_ID]) for one in some if _KEY_ID in one)

    def ids(self) -> Iterator[str]:
        """Yields the `_id` of every session, its pseudonym, and reads nothing else of them."""
        return (str(document["_id"]) for document in documents(self._sessions, ["_id"]))

    def of_feed(self, feed: str) -> Iterator[object]:
        """Yields the `_id` of every session of `feed`, and reads nothing else of them."""
        found = documents(self._sessions, ["feed"])
        return (document["_id"] for document in found if document.get("feed") == feed)

    def remove_feed(self, feed: str) -> int:
        """Deletes every session of `feed`, in steps, and returns how many."""
        found, gone = self.of_feed(feed), 0
        while ids := list(islice(found, _ASKED_AT_ONCE)):
            # The feed again: a later version of another feed may just have come in the place of one.
            gone += available(self._sessions.delete_many, with_id(*ids) | {"feed": feed}).deleted_count
        return gone

    def find(self, session_pseudonym: str) -> Document | None:
        """Returns the session with this pseudonym, without its identity; None if there is none, or only what
        is left of an erased one."""
        found = available(self._sessions.find_one, with_id(session_pseudonym), {"identity": False})
        return None if found is None or ERASED in found else found

    def consents(self, user_pseudonym: str) -> list[Document]:
        """Returns `feed` and `consent` of every session of a user."""
        # A pseudonym, unlike an id of a shop's, never looks like a date; asked plainly, the embedded server
        # uses its index.
        query = {"userPseudonym": user_pseudonym}
        return available(lambda: list(self._sessions.find(query, ["feed", "consent"])))

    def estimated_count(self) -> int:
        return available(self._sessions.estimated_document_count)


def documents(collection: Collection[D], fields: list[str] | None = None) -> Iterator[D]:
    """Yields every document of any collection, page by page, with `fields` (None: with all that they have). A
    page begins with the last string id of the one before, because only of strings both servers have the same
    notion; ids of other types after it are read again and left out. Raises StoreUnavailable."""
    after: str | None = None
    passed: set[str] = set()
    limit = PAGE
    while True:
        page = available(_page, collection, after, limit, fields)
        ids = [document["_id"] for document in page]  # before a reader may change the documents
        fresh = [document for document in page if repr(document["_id"]) not in passed]
        last = max((at for at, id_ in enumerate(ids) if isinstance(id_, str)), default=0)
        if len(page) < limit:
            yield from fresh
            return
        if isinstance(ids[last], str) and ids[last] != after:
            after, passed, limit = ids[last], set(map(repr, ids[last:])), PAGE
        else:
            passed.update(map(repr, ids))
            limit *= 2
        yield from fresh


def _page(collection: Collection[D], first: str | None, limit: int, fields: list[str] | None) -> list[D]:
    found = collection.find({}, fields).hint([("_id", 1)]).sort("_id", 1)
    found = found.limit(limit).batch_size(limit)
    return list(found if first is None else found.min([("_id", first)]))


def with_id(*ids: object) -> Document:
    """Returns the query for documents with one of these ids, in the form that suits both servers."""
    return {"_id": {"$in": [*ids, _NO_DATE]}}
