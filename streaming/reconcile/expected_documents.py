"""The documents that the stores must contain for a valid session, and the session in a document. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from streaming.contract.valid_session import ValidSession, decode
from streaming.reconcile.evidence import ValidRecord
from streaming.reconcile.store_contents import as_json
from streaming.stores import Document
from streaming.summaries.documents import documents
from streaming.summaries.session import summarise
from streaming.words.lists import FIELDS, Words

MONGODB = "mongodb"
_BUILT_IN = Words()


def expected_documents(session: ValidSession, words: Words) -> Iterator[tuple[str, str, object]]:
    """Yields (store, id, document) of every document that follows from `session`, without window
    aggregates."""
    yield MONGODB, session.session_id, session
    yield from documents(session, words)


def summaries_by_other_lists(session: ValidSession) -> Iterator[object]:
    """Yields the summaries of `session` that other lists of words have made: that of the built-in lists
    alone, and that of a release without lists."""
    summary = summarise(session, _BUILT_IN)
    yield summary
    own: dict[str, Any] = {field: getattr(session, field) for field in FIELDS}
    yield msgspec.structs.replace(summary, **own)


def by_id(document: Document) -> tuple[str, Document]:
    """Returns a document of MongoDB as (id, the other fields)."""
    id_ = document["_id"]
    fields = {name: value for name, value in document.items() if name != "_id"}
    return id_ if isinstance(id_, str) else repr(id_), fields


def session_in(document: Document) -> ValidSession | None:
    """Returns the session in a document of MongoDB; None if it contains none, or one with another id."""
    id_, fields = by_id(document)
    try:
        session = decode(as_json(fields))
    except msgspec.DecodeError:
        return None
    return session if session.session_id == id_ else None


def decoded(record: ValidRecord) -> ValidSession | None:
    """Returns the session in a record of `valid_customer_session`; None if it contains none."""
    try:
        return decode(record.value or b"")
    except msgspec.DecodeError:
        return None
