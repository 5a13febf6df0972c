"""From a valid session to what the stores have to hold because of it, and back. Pure."""

from collections.abc import Iterator

import msgspec

from streaming.contract.valid_session import ValidSession, decode
from streaming.reconcile.evidence import ValidRecord
from streaming.reconcile.store_contents import as_json
from streaming.stores import Document
from streaming.summaries.documents import documents

MONGODB = "mongodb"


def stored(session: ValidSession) -> Iterator[tuple[str, str, object]]:
    """(store, id, document) of everything outside the windows that has to be there because of `session`."""
    yield MONGODB, session.session_id, session
    yield from documents(session)


def by_id(document: Document) -> tuple[str, Document]:
    """A document of MongoDB as (id, the other fields)."""
    id_ = document["_id"]
    fields = {name: value for name, value in document.items() if name != "_id"}
    return id_ if isinstance(id_, str) else repr(id_), fields


def remembered(document: Document) -> ValidSession | None:
    """The session in a document of MongoDB; None if it holds none, or another one than its id says."""
    id_, fields = by_id(document)
    try:
        session = decode(as_json(fields))
    except msgspec.DecodeError:
        return None
    return session if session.session_id == id_ else None


def decoded(record: ValidRecord) -> ValidSession | None:
    """The session in a record of `valid_customer_session`, None if there is none."""
    try:
        return decode(record.value or b"")
    except msgspec.DecodeError:
        return None
