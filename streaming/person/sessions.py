"""Sessions in MongoDB become what is left of them, and nobody has an erased person as a neighbour. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streaming.contract.erased_session import ErasedSession
from streaming.contract.valid_session import StoredSession
from streaming.person.erased import erased
from streaming.person.traces import Persons, Traces, together, traces_of
from streaming.sinks.port import SessionStore
from streaming.stores import Document
from streaming.summaries.key_limit import KeyLimit

STEP = 500


def known_of(documents: list[Document]) -> Traces:
    """Returns what sessions in MongoDB say about whose they are."""
    return together(traces_of(session) for one in documents if (session := _session(one)) is not None)


def erase_sessions(
    store: SessionStore, persons: Persons, before_ms: Mapping[str, int], limit: KeyLimit
) -> int:
    """Replaces the sessions of `persons` that arrived before their moments by what is left of them. Returns
    how many there were. Killed midway, it may be called again."""
    count = 0
    for person in sorted(persons.pseudonyms):
        while found := store.of_user(person, before_ms[person], STEP):
            left = [
                stored(erased(session, limit, persons.traces(person)))
                for session in map(_session, found)
                if session is not None  # nothing is left of what no stage wrote
            ]
            store.insert(left)
            store.remove([one["_id"] for one in found])
            count += len(found)
    return count


def stored(left: ErasedSession) -> Document:
    """Returns what is left of a session as MongoDB keeps it."""
    return {"_id": left.session_pseudonym, **msgspec.to_builtins(left)}


def _session(document: Document) -> StoredSession | None:
    try:
        return msgspec.convert(document, StoredSession, strict=False)
    except msgspec.ValidationError:
        return None


def without(row: Mapping[str, Any], persons: Persons) -> dict[str, Any] | None:
    """Returns a row of `similar_users` without `persons`: None for their own."""
    if row["_id"] in persons:
        return None
    neighbours = row.get("neighbours", [])
    return {**row, "neighbours": [one for one in neighbours if one.get("userPseudonym") not in persons]}


def about(row: Mapping[str, Any], persons: Persons) -> dict[str, Any]:
    """Returns what a row of `similar_users` says of `persons`: of somebody else's row only the neighbours
    that they are, and not whose it is."""
    if row["_id"] in persons:
        return dict(row)
    return {"neighbours": [one for one in row.get("neighbours", []) if one.get("userPseudonym") in persons]}
