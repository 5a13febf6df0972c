"""What an earlier release stored gets the form of this one, however often and wherever it is interrupted."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from support.sessions import PSEUDONYMS, known_as, session, valid_session

from streaming.contract import topics
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import OtherKey
from streaming.contract.session import Review
from streaming.kafka.offsets import StageBehind
from streaming.migrate.documents import OF_SESSIONS, migrate_documents
from streaming.migrate.sessions import Migrated, migrate_sessions
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.mongo.documents import document
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.sinks.port import Write
from streaming.stores import Document, StoreUnavailable
from streaming.words.lists import Words

FACTS = {"userKind": "new", "late": False, "rawPartition": 0, "rawOffset": 0, "arrivedAtMs": 946_702_800_002}
WORDS = Words()
REVIEW = Review(product_id="p", rating=5, text="fine", sentiment="positive")


def earlier(number: int, **fields: object) -> Document:
    """As an earlier release stored it, without the fields of version 2."""
    held: dict[str, Any] = msgspec.to_builtins(session(session_id=f"s{number}", user_id=f"u{number % 3}"))
    held = {name: value for name, value in held.items() if value is not None or name == "paymentMethodType"}
    return {"_id": f"s{number}", **held, "schemaVersion": 1, **FACTS, "rawOffset": number, **fields}


def stored() -> None:
    """The store has all that is in the log."""


def filled(count: int = 7) -> InMemorySessions:
    store = InMemorySessions()
    store.insert([earlier(number) for number in range(count)])
    return store


def test_each_session_gets_its_pseudonym_and_none_is_lost() -> None:
    store = filled()
    assert migrate_sessions(store, PSEUDONYMS) == Migrated(7, 0)
    held = {one["_id"]: one for one in store.scan()}
    assert held.keys() == {
        known_as(session(session_id=f"s{number}", user_id=f"u{number % 3}")) for number in range(7)
    }
    for one in held.values():
        assert one["identity"]["email"] == "ada@example.org"
        assert not one.keys() & {"userId", "sessionId", "name", "email", "zipCode"}
    assert migrate_sessions(store, PSEUDONYMS) == Migrated(0, 0)
    assert {one["_id"]: one for one in store.scan()} == held


def test_it_equals_what_the_store_would_write_today() -> None:
    """So that the store may read a message of the earlier gate again."""
    store, sent = filled(1), {name: value for name, value in earlier(0).items() if name != "_id"}
    migrate_sessions(store, PSEUDONYMS)
    assert list(store.scan()) == [document(msgspec.json.encode(sent), PSEUDONYMS)]


def test_todays_sessions_and_what_no_stage_wrote_are_left_alone() -> None:
    store = filled(2)
    today = {"_id": "t", **msgspec.to_builtins(valid_session(session_pseudonym="t"))}
    store.insert([today, {"_id": "odd", "name": "no session"}])
    assert migrate_sessions(store, PSEUDONYMS) == Migrated(2, 1)
    held = {one["_id"]: one for one in store.scan()}
    assert held["t"] == today
    assert held["odd"] == {"_id": "odd", "name": "no session"}
    assert len(held) == 4


def test_with_another_key_it_does_not_go_on() -> None:
    """A migration that was stopped, and then called where the key is another."""
    store = filled(2)
    migrate_sessions(store, PSEUDONYMS)
    store.insert([earlier(5)])
    before = list(store.scan())
    with pytest.raises(OtherKey, match="MongoDB"):
        migrate_sessions(store, Pseudonyms("x" * 20))
    assert list(store.scan()) == before


class Interrupted(InMemorySessions):
    """Away at the call of that number, before or after it has done its work."""

    def __init__(self, at: int, after: bool) -> None:
        super().__init__()
        self.calls, self.at, self.after = -1, at, after

    def _passing(self, work: Any) -> Any:
        self.calls += 1
        if self.calls == self.at and not self.after:
            raise StoreUnavailable("away")
        done = work()
        if self.calls == self.at:
            raise StoreUnavailable("away")
        return done

    def insert(self, sessions: Sequence[Document]) -> int:
        return int(self._passing(lambda: super(Interrupted, self).insert(sessions)))

    def remove(self, ids: Sequence[object]) -> None:
        self._passing(lambda: super(Interrupted, self).remove(ids))


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("after", [False, True])
def test_it_goes_on_where_it_was_interrupted(at: int, after: bool) -> None:
    store, whole = Interrupted(at, after), filled()
    store.insert([earlier(number) for number in range(7)])
    with pytest.raises(StoreUnavailable):
        migrate_sessions(store, PSEUDONYMS)
    migrate_sessions(store, PSEUDONYMS)
    migrate_sessions(whole, PSEUDONYMS)
    assert store.by_id == whole.by_id


def test_documents_are_made_anew_without_ids_and_city() -> None:
    store, index = filled(3), InMemoryIndex()
    store.insert([earlier(9, reviews=msgspec.to_builtins([REVIEW]))])
    migrate_sessions(store, PSEUDONYMS)
    index.prepare(topics.SESSION_SUMMARIES, DOCUMENTS[topics.SESSION_SUMMARIES])
    former = {"sessionId": "s1", "city": "Berlin"}
    index.slices[topics.SESSION_SUMMARIES]["2000-01"]["s1"] = 99, former
    assert migrate_documents(index, store, WORDS, stored) == 5
    for name in OF_SESSIONS:
        index.refresh(name)
        for id_, made in index.scan(name):
            assert id_.partition(":")[0] == made["sessionPseudonym"]
            assert not made.keys() & {"userId", "sessionId", "name", "email", "zipCode", "city"}
    assert (index.count(topics.SESSION_SUMMARIES), index.count(topics.PRODUCT_SENTIMENT)) == (4, 1)


def test_what_flink_has_written_since_stays() -> None:
    store, index = filled(1), InMemoryIndex()
    migrate_sessions(store, PSEUDONYMS)
    migrate_documents(index, store, WORDS, stored)
    [(id_, made)] = index.documents(topics.SESSION_SUMMARIES).items()
    body = msgspec.json.encode(made | {"clicks": 8})
    index.put([Write(topics.SESSION_SUMMARIES, id_, 1_700_000_000_000, body, "2000-01")])
    migrate_documents(index, store, WORDS, stored)
    index.refresh(topics.SESSION_SUMMARIES)
    assert dict(index.scan(topics.SESSION_SUMMARIES))[id_]["clicks"] == 8
    assert DOCUMENTS.keys() >= set(OF_SESSIONS)


def test_what_flink_wrote_of_a_session_that_the_store_did_not_have_yet_is_not_lost() -> None:
    """Flink wrote its document, which is dropped with the others of its slice, before the store had it."""
    store, index = InMemorySessions(), InMemoryIndex()
    index.prepare(topics.SESSION_SUMMARIES, DOCUMENTS[topics.SESSION_SUMMARIES])
    index.slices[topics.SESSION_SUMMARIES]["2000-01"]["s1"] = 99, {"sessionId": "s1", "city": "Berlin"}

    def catches_up() -> None:
        if not index.documents(topics.SESSION_SUMMARIES):
            store.insert([earlier(1)])
            migrate_sessions(store, PSEUDONYMS)

    assert migrate_documents(index, store, WORDS, catches_up) == 1
    assert list(index.documents(topics.SESSION_SUMMARIES)) == [one["_id"] for one in store.scan()]


def test_nothing_is_dropped_while_the_store_is_behind() -> None:
    store, index = InMemorySessions(), InMemoryIndex()
    index.prepare(topics.SESSION_SUMMARIES, DOCUMENTS[topics.SESSION_SUMMARIES])
    index.slices[topics.SESSION_SUMMARIES]["2000-01"]["s1"] = 99, {"sessionId": "s1", "city": "Berlin"}

    def is_behind() -> None:
        raise StageBehind("store")

    with pytest.raises(StageBehind):
        migrate_documents(index, store, WORDS, is_behind)
    assert set(index.documents(topics.SESSION_SUMMARIES)) == {"s1"}
