"""The documents that the stores must contain for a valid session, and the session in a document. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from streaming.contract.erased_session import ErasedSession
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import StoredSession, ValidSession, decode_stored
from streaming.reconcile.evidence import ValidRecord
from streaming.reconcile.store_contents import as_json
from streaming.stores import Document
from streaming.summaries.documents import documents
from streaming.summaries.session import summarise
from streaming.words.lists import FIELDS, Words

MONGODB = "mongodb"
_BUILT_IN = Words()


def expected_documents(
    session: StoredSession | ErasedSession, words: Words
) -> Iterator[tuple[str, str, object]]:
    """Yields (store, id, document) of every document that follows from `session`, without window
    aggregates."""
    yield MONGODB, session.session_pseudonym, session
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


def session_in(document: Document, pseudonyms: Pseudonyms) -> StoredSession | ErasedSession | None:
    """Returns the session in a document of MongoDB, or what is left of it; None if it contains none, or one
    with another id, as before ./vitrine migrate."""
    id_, fields = by_id(document)
    try:
        session = decode_stored(as_json(fields), pseudonyms)
    except msgspec.DecodeError:
        return None
    return session if session.session_pseudonym == id_ else None


def decoded(record: ValidRecord, pseudonyms: Pseudonyms) -> StoredSession | ErasedSession | None:
    """Returns the session in a record of `valid_customer_session`, or what is left of it; None if it contains
    neither."""
    try:
        return decode_stored(record.value or b"", pseudonyms)
    except msgspec.DecodeError:
        return None
