"""What every SessionStore does: the stand-in, and whatever MONGO_URI names, mongod or the embedded server."""

import itertools
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient

from streaming.adapters.mongo import COLLECTION, INDEXED, PAGE, MongoSessions
from streaming.adapters.mongo_remembered import RememberedSessions
from streaming.ports import Document, SessionStore
from streaming.settings import MongoSettings


@pytest.fixture(params=["remembered", "mongodb"])
def store(request: pytest.FixtureRequest) -> SessionStore:
    found: SessionStore = (
        RememberedSessions()
        if request.param == "remembered"
        else MongoSessions(request.getfixturevalue("mongo"))
    )
    found.prepare()
    return found


def a_document(id_: str, **fields: object) -> Document:
    return {"_id": id_, "sessionId": id_, "userId": "u", "arrivedAtMs": 1, "eventTimeMs": 1, **fields}


def by_id(documents: Iterator[Document]) -> dict[str, Document]:
    return {document["_id"]: document for document in documents}


def test_nothing_is_there_at_first(store: SessionStore) -> None:
    assert list(store.scan()) == []
    assert store.estimated_count() == 0
    assert store.insert([]) == 0


def test_what_was_inserted_is_found(store: SessionStore) -> None:
    documents = [a_document(f"s{n}", n=n) for n in range(30)]
    assert store.insert(documents) == 30
    assert by_id(store.scan()) == {document["_id"]: document for document in documents}
    assert store.estimated_count() == 30


def a_version(id_: str, at_ms: int, offset: int = 0, **fields: object) -> Document:
    return a_document(id_, **fields) | {"arrivedAtMs": at_ms, "rawPartition": 0, "rawOffset": offset}


def test_a_repeated_session_changes_nothing_and_stops_nothing(store: SessionStore) -> None:
    store.insert([a_version("a", 1, n=1)])
    again = [a_version("a", 1, n=1), a_version("b", 2, n=3), a_version("b", 2, n=3)]
    assert store.insert(again) == 1
    assert store.insert(again) == 0
    assert {id_: document["n"] for id_, document in by_id(store.scan()).items()} == {"a": 1, "b": 3}


versions = [a_version("a", 1, 9, n=1), a_version("a", 2, 3, n=2, more="x"), a_version("a", 2, 4, n=3)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("at_once", [True, False])
def test_the_latest_version_stands_in_whatever_order(
    store: SessionStore, order: tuple[int, ...], at_once: bool
) -> None:
    written = [versions[n] for n in order]
    for batch in [written] if at_once else [[one] for one in written]:
        store.insert(batch)
    assert list(store.scan()) == [versions[2]]
    store.insert([versions[0]])  # an old batch late
    store.insert(written)  # and all of it twice
    assert list(store.scan()) == [versions[2]]


def test_what_somebody_changed_is_made_right_by_a_replay(store: SessionStore) -> None:
    store.insert([{"_id": "a", "sessionId": "a", "n": 7}, a_version("b", 1, n=7)])
    right = [a_version("a", 5, n=1), a_version("b", 1, n=1)]
    assert store.insert(right) == 0
    assert by_id(store.scan()) == {document["_id"]: document for document in right}


def test_preparing_again_is_harmless(store: SessionStore) -> None:
    store.insert([a_document("a")])
    store.prepare()
    assert len(list(store.scan())) == 1


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(content=st.dictionaries(st.from_regex(r"[a-z][a-zA-Z]{0,10}", fullmatch=True), values, max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_value_comes_back_as_it_was(store: SessionStore, content: Document) -> None:
    id_ = uuid.uuid4().hex + "\u0000é😀"
    document = a_document(id_, content=content)
    store.insert([document])
    found = by_id(store.scan())[id_]
    assert found == document
    assert repr(in_order(found)) == repr(in_order(document))  # 1 is not 1.0, nor -0.0 the same as 0.0


def in_order(value: object) -> object:
    match value:
        case dict():
            return {name: in_order(value[name]) for name in sorted(value)}
        case list():
            return [in_order(inner) for inner in value]
        case _:
            return value


def test_ids_of_any_type_are_scanned_and_pages_join(mongo: MongoSettings) -> None:
    store = MongoSessions(mongo)
    store.insert([a_document(f"{n:08}") for n in range(PAGE + 5)])
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        sessions = client[mongo.database][COLLECTION]
        strange = sessions.insert_one({"sessionId": "no id of its own"}).inserted_id
        sessions.insert_one({"_id": 7, "sessionId": "a number"})
    ids = [document["_id"] for document in store.scan()]
    assert len(ids) == len(set(ids)) == PAGE + 7
    assert {strange, 7} <= set(ids)


def test_what_extraction_asks_by_has_an_index(mongo: MongoSettings) -> None:
    MongoSessions(mongo).prepare()
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        found = client[mongo.database][COLLECTION].index_information()
    assert {index["key"][0][0] for index in found.values()} >= set(INDEXED)
