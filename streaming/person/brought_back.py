"""What a restored backup has brought back of persons who were erased. Pure.

The log says who was erased even if the list is lost with the machine: where a session in the store stands,
it has what is left of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from streaming.contract import erased_session
from streaming.contract.erased_session import ERASED
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import StoredSession, ValidSession, try_decode, try_decode_stored
from streaming.person.erased import erased
from streaming.person.sessions import STEP, stored
from streaming.person.traces import Traces
from streaming.reconcile.expected_documents import by_id
from streaming.reconcile.store_contents import as_json
from streaming.sinks.port import DocumentIndex, SessionStore
from streaming.stores import Document
from streaming.summaries.key_limit import KeyLimit

_POSITION = ("rawPartition", "rawOffset", "arrivedAtMs")
_IDENTITY = "identity"
EVENT_TIME, SESSION, USER, USER_ID = "eventTimeMs", "sessionPseudonym", "userPseudonym", "userId"


def erased_names(values: Iterable[bytes | None]) -> frozenset[str]:
    """Returns the names of all erased sessions in the log."""
    found = (erased_session.try_decode(value or b"") for value in values)
    return frozenset(one.session_pseudonym for one in found if one is not None)


def erased_in_log(store: SessionStore, names: Collection[str], pseudonyms: Pseudonyms) -> dict[str, int]:
    """Returns by pseudonym who has sessions in `store` that the log has as erased ones, called `names`; each
    with the moment before which nothing of the person may be left."""
    found: dict[str, int] = {}
    for document in store.scan() if names else ():
        if ERASED in document or _name(document) not in names:
            continue
        if (session := _session(document, pseudonyms)) is not None:
            user = session.user_pseudonym
            found[user] = max(found.get(user, 0), session.arrived_at_ms + 1)
    return found


def came_later(
    values: Iterable[bytes | None], before_ms: Mapping[str, int], pseudonyms: Pseudonyms
) -> Iterator[str]:
    """Yields the pseudonyms of sessions in the log that came after their user was erased."""
    for value in values:
        session = try_decode(value, pseudonyms)
        if (
            isinstance(session, ValidSession)
            and session.user_pseudonym in before_ms
            and session.arrived_at_ms >= before_ms[session.user_pseudonym]
        ):
            yield session.session_pseudonym


def erase_earlier(
    store: SessionStore, before_ms: Mapping[str, int], limit: KeyLimit, pseudonyms: Pseudonyms
) -> tuple[int, frozenset[str]]:
    """Replaces sessions in the form of an earlier release, which nobody finds by pseudonym, by what is left
    of them; returns how many there were and the ids of their users."""
    count, ids = 0, set[str]()
    left: list[Document] = []
    gone: list[object] = []

    def settle() -> None:
        store.insert(left)
        store.remove(gone)
        left.clear()
        gone.clear()

    for document in store.scan():
        if ERASED in document or _IDENTITY in document:
            continue
        session = _session(document, pseudonyms)
        if session is None or session.arrived_at_ms >= before_ms.get(session.user_pseudonym, 0):
            continue
        ids.add(session.identity.user_id)
        left.append(stored(erased(session, limit, Traces())))
        gone.append(document["_id"])
        count += 1
        if count % STEP == 0:
            settle()
    settle()
    return count, frozenset(ids)


def remove_documents(
    index: DocumentIndex, name: str, before_ms: Mapping[str, int], stay: Collection[str], ids: Iterable[str]
) -> int:
    """Removes documents of single sessions of these users, but for the sessions `stay`, and whatever an
    earlier release made of users with these `ids`; returns how many. `before_ms`: by user, when the last of
    them ended."""
    index.refresh(name)
    found = {
        document[SESSION]
        for user, at_ms in before_ms.items()
        for _, document in index.find(name, USER, user)
        if document[EVENT_TIME] < at_ms
    }
    gone = sum(index.remove(name, SESSION, one) for one in sorted(found - set(stay)))
    return gone + sum(index.remove(name, USER_ID, one) for one in sorted(ids))


def _name(document: Document) -> str:
    partition, offset, arrived_at_ms = (document.get(field) for field in _POSITION)
    found = isinstance(partition, int) and isinstance(offset, int) and isinstance(arrived_at_ms, int)
    return erased_session.name(partition, offset, arrived_at_ms) if found else ""  # type: ignore[arg-type]


def _session(document: Document, pseudonyms: Pseudonyms) -> StoredSession | None:
    session = try_decode_stored(as_json(by_id(document)[1]), pseudonyms)
    return session if isinstance(session, StoredSession) else None
