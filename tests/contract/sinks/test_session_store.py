"""What every SessionStore does: the stand-in, and whatever MONGO_URI names, mongod or the embedded server."""

import itertools
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.collection import Collection

from streaming.settings import MongoSettings
from streaming.sinks.mongo import sessions as adapter
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.sinks.mongo.sessions import COLLECTION, INDEXED, PAGE, MongoSessions
from streaming.sinks.port import SessionStore
from streaming.stores import Document


@pytest.fixture(params=["remembered", "mongodb"])
def store(request: pytest.FixtureRequest) -> SessionStore:
    found: SessionStore = (
        InMemorySessions()
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


def test_the_keys_of_pseudonyms_are_told(store: SessionStore) -> None:
    assert store.key_ids() == frozenset()
    store.insert([a_document("a"), a_document("b", pseudonymKey="k1"), a_document("c", pseudonymKey="k2")])
    assert store.key_ids() == {"k1", "k2"}
    assert store.key_ids(among=2) == {"k1"}


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


@pytest.mark.parametrize("id_", ["2026-11-29", "2026-11-29 12:00:00 x", "11-29-2026-a", "abcdef" * 4, "7"])
def test_the_latest_version_stands_whatever_its_id_looks_like(store: SessionStore, id_: str) -> None:
    for at_ms in (1, 2):
        store.insert([a_version(id_, at_ms), a_version("another", at_ms)])
    assert by_id(store.scan()) == {one: a_version(one, 2) for one in (id_, "another")}


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


ODD_IDS = [
    "2026-11-29-1", "2026-11-29", "11/29/2026", "007", "7", "1e5", "True", "null", "$where", "a.b", "{}", " ",
    "ABCDEF" * 4, "abcdef" * 4, "x" * 128, "x" * 127, "'\"\\",
    "a\0b", "a\0", "\0", "é", "e\u0301", "😀", "\uffff",
]  # fmt: skip
OTHER_TYPES = [8, -1, 2.5, {"a": 1}, {"a": 2}]


@pytest.mark.parametrize("page", [1, 2, 3, 7, 24, 25, 10_000])
def test_each_is_scanned_once_whatever_its_id(
    store: SessionStore, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE", page)
    store.insert([a_document(id_) for id_ in ODD_IDS])
    assert sorted(document["_id"] for document in store.scan()) == sorted(ODD_IDS)


@pytest.mark.parametrize("page", [1, 2, 5, 30])
def test_ids_that_are_no_strings_are_scanned_too(
    mongo: MongoSettings, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE", page)
    store = MongoSessions(mongo)
    store.insert([a_document(id_) for id_ in ODD_IDS])
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        sessions: Collection[Document] = client[mongo.database][COLLECTION]
        made = [sessions.insert_one({"sessionId": "no id of its own"}).inserted_id for _ in range(7)]
        sessions.insert_many([{"_id": id_} for id_ in OTHER_TYPES])
    found = [repr(document["_id"]) for document in store.scan()]
    assert sorted(found) == sorted(map(repr, [*ODD_IDS, *made, *OTHER_TYPES]))


def test_pages_join(mongo: MongoSettings) -> None:
    store = MongoSessions(mongo)
    store.insert([a_document(f"{n:08}") for n in range(PAGE + 5)])
    ids = [document["_id"] for document in store.scan()]
    assert len(ids) == len(set(ids)) == PAGE + 5


def test_a_scan_goes_on_while_sessions_come_change_and_go(
    store: SessionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE", 3)
    at_first = {f"s{n:02}" for n in range(20)}
    store.insert([a_version(id_, 1) for id_ in at_first])
    seen = []
    for n, document in enumerate(store.scan()):
        seen.append(document["_id"])
        document.clear()  # the reader's own
        store.insert([a_version(f"a{n}", 1), a_version(f"z{n}", 1)] if n < 20 else [])
        store.insert([a_version(f"s{n:02}", 2)] if n < 20 else [])
    assert len(seen) == len(set(seen))
    assert at_first <= set(seen)


def test_a_scan_goes_on_where_its_last_session_was_deleted(
    mongo: MongoSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE", 2)
    store = MongoSessions(mongo)
    store.insert([a_document(f"s{n}") for n in range(9)])
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        seen = []
        for document in store.scan():
            seen.append(document["_id"])
            client[mongo.database][COLLECTION].delete_one({"sessionId": document["_id"]})
    assert seen == [f"s{n}" for n in range(9)]


def test_what_is_removed_is_gone_and_the_rest_stays(store: SessionStore) -> None:
    store.insert([a_document(id_) for id_ in [*ODD_IDS, "kept"]])
    store.remove([])
    store.remove([*ODD_IDS, "never there"])
    assert [document["_id"] for document in store.scan()] == ["kept"]


def test_indexes_of_earlier_releases_are_dropped(mongo: MongoSettings) -> None:
    store = MongoSessions(mongo)
    store.prepare()
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        sessions: Collection[Document] = client[mongo.database][COLLECTION]
        sessions.create_index("userId")
        store.drop_earlier_indexes()
        store.drop_earlier_indexes()
        names = {name for index in sessions.index_information().values() for name, _ in index["key"]}
    assert names == {"_id", *adapter.INDEXED}


def test_what_extraction_asks_by_has_an_index(mongo: MongoSettings) -> None:
    MongoSessions(mongo).prepare()
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        found = client[mongo.database][COLLECTION].index_information()
    assert {index["key"][0][0] for index in found.values()} >= set(INDEXED)


@pytest.mark.parametrize("step", [1, 2, 500])
def test_a_feed_is_removed_whole_and_the_others_stay(
    mongo: MongoSettings, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE", 3)
    monkeypatch.setattr(adapter, "_ASKED_AT_ONCE", step)
    store = MongoSessions(mongo)
    store.insert([a_document(id_, feed="demo" if n % 2 else "live") for n, id_ in enumerate(ODD_IDS)])
    assert set(store.of_feed("demo")) == set(ODD_IDS[1::2])
    assert store.remove_feed("demo") == len(ODD_IDS[1::2])
    assert store.remove_feed("demo") == 0
    assert {document["_id"] for document in store.scan()} == set(ODD_IDS[::2])


def test_sessions_of_one_user_are_found_up_to_a_moment(store: SessionStore) -> None:
    """As erasing asks for them, in steps: what it has replaced is not found again."""
    users = ("u1", "u2", "u1")
    store.insert([a_version(f"s{n}", n, userPseudonym=users[n % 3]) for n in range(12)])
    found = store.of_user("u1", 9, 100)
    assert {one["_id"] for one in found} == {"s0", "s2", "s3", "s5", "s6", "s8"}
    assert all(one["userId"] == "u" for one in found)
    assert len(store.of_user("u1", 1 << 62, 3)) == 3
    assert store.of_user("nobody", 1 << 62, 3) == []
    store.insert([{"_id": "left", "erased": 1, "arrivedAtMs": 0, "rawPartition": 0, "rawOffset": 0}])
    store.remove([one["_id"] for one in found])
    assert store.of_user("u1", 9, 100) == []
    assert {one["_id"] for one in store.scan()} >= {"left", "s9", "s11"}
