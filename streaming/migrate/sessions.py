"""Sessions in MongoDB that have ids among the other fields: each becomes one with pseudonyms and an identity.

Repeatable and resumable at any point: a session is removed only once its new form is stored, and one that
has it already is left as it is. The store may go on writing meanwhile.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import msgspec
from msgspec import Struct

from streaming.contract.erased_session import ERASED
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import require_same
from streaming.sinks.mongo.documents import document
from streaming.sinks.port import SessionStore
from streaming.stores import Document

_BATCH = 1_000
_IDENTITY = "identity"


class Migrated(Struct, frozen=True):
    """The sessions of an earlier release: those brought into today's form, and those that no stage wrote,
    which were left as they were."""

    sessions: int
    unreadable: int


def migrate_sessions(
    store: SessionStore, pseudonyms: Pseudonyms, progress: Callable[[int], None] = lambda done: None
) -> Migrated:
    """Migrates all sessions in `store`, and calls `progress` with their number now and then. Raises
    StoreUnavailable; calling again goes on where it stopped. Raises OtherKey, before it changes anything, if
    there are pseudonyms of another key."""
    require_same(store.key_ids(), pseudonyms, "MongoDB")
    done = unreadable = 0
    earlier = _of_earlier_releases(store)
    while batch := list(islice(earlier, _BATCH)):
        made: list[Document] = []
        replaced: list[object] = []
        for held in batch:
            try:
                made.append(_today(held, pseudonyms))
            except msgspec.DecodeError:
                unreadable += 1
            else:
                replaced.append(held["_id"])
        store.insert(made)
        store.remove(replaced)
        done += len(made)
        progress(done)
    return Migrated(done, unreadable)


def _of_earlier_releases(store: SessionStore) -> Iterator[Document]:
    return (held for held in store.scan() if _IDENTITY not in held and ERASED not in held)


def _today(held: Document, pseudonyms: Pseudonyms) -> Document:
    """Returns the document of this release for one of an earlier one, by the code that stores messages of
    earlier gates. Raises msgspec.DecodeError if no stage wrote it."""
    fields = {name: value for name, value in held.items() if name != "_id"}
    return document(msgspec.json.encode(fields, enc_hook=repr), pseudonyms)
