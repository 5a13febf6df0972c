"""What retention does in MongoDB, or in the embedded server, and over slices of either index."""

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from streaming.contract import topics
from streaming.contract.months import begin_ms, month_of
from streaming.retention import sessions as adapter
from streaming.retention.place import Deletion, InMemoryRecord, Kept, Record
from streaming.retention.record import MongoRecord
from streaming.retention.sessions import ExpiringSessions
from streaming.retention.slices import ExpiringSlices
from streaming.settings import ElasticsearchSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.newest import month_in
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.sinks.port import DocumentIndex, Write
from streaming.stores import Document, StoreUnavailable
from streaming.summaries.product import ProductActivity

NOVEMBER_MS = begin_ms("2026-11")
ODD_IDS = ["2026-11-29", "11/29/2026", "7", "True", "a\0b", "é😀", "$where", "{}", "x" * 128]


def a_session(id_: str, at_ms: int, arrived_at_ms: int = 1) -> Document:
    return {"_id": id_, "sessionPseudonym": id_, "arrivedAtMs": arrived_at_ms, "eventTimeMs": at_ms}


@pytest.fixture
def store(mongo: MongoSettings) -> MongoSessions:
    store = MongoSessions(mongo)
    store.prepare()
    return store


@pytest.mark.parametrize(("step", "page"), [(1, 1), (3, 2), (500, 5_000)])
def test_expired_sessions_go_in_steps_whatever_their_ids(
    mongo: MongoSettings,
    store: MongoSessions,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
    page: int,
) -> None:
    monkeypatch.setattr(adapter, "STEP", step)
    monkeypatch.setattr(adapter, "PAGE", page)
    place = ExpiringSessions(mongo)
    assert (place.oldest_ms(), place.due(NOVEMBER_MS), place.delete(NOVEMBER_MS)) == (None, 0, 0)
    old = [a_session(id_, NOVEMBER_MS - 1 - n // 3) for n, id_ in enumerate(ODD_IDS)]
    store.insert([*old, a_session("border", NOVEMBER_MS), a_session("new", NOVEMBER_MS + 5)])
    assert place.oldest_ms() == NOVEMBER_MS - 3
    assert place.due(NOVEMBER_MS) == len(old)
    assert place.due(NOVEMBER_MS - 3) == 0
    assert place.delete(NOVEMBER_MS - 2) == 3
    assert place.delete(NOVEMBER_MS) == len(old) - 3
    assert {document["_id"] for document in store.scan()} == {"border", "new"}
    assert (place.oldest_ms(), place.due(NOVEMBER_MS), place.delete(NOVEMBER_MS)) == (NOVEMBER_MS, 0, 0)


def test_a_session_of_which_a_later_version_came_stays(
    mongo: MongoSettings, store: MongoSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look for expired sessions and their deletion."""
    store.insert([a_session("moved", 1), a_session("old", 2)])
    looked = ExpiringSessions._from

    def and_then_it_moves(self: ExpiringSessions, start_ms: int, before_ms: int | None, limit: int) -> object:
        found = looked(self, start_ms, before_ms, limit)
        store.insert([a_session("moved", NOVEMBER_MS, arrived_at_ms=2)])
        return found

    monkeypatch.setattr(ExpiringSessions, "_from", and_then_it_moves)
    assert ExpiringSessions(mongo).delete(NOVEMBER_MS) == 1
    assert [document["_id"] for document in store.scan()] == ["moved"]


@pytest.fixture(params=["remembered", "mongodb"])
def record(request: pytest.FixtureRequest) -> Record:
    if request.param == "remembered":
        return InMemoryRecord()
    return MongoRecord(request.getfixturevalue("mongo"))


def test_what_was_written_of_a_place_last_is_read(record: Record) -> None:
    assert record.read() == {}
    first = Kept(place="sessions", days=400)
    second = Kept(
        place="sessions", days=30, before_ms=NOVEMBER_MS, unit="sessions", oldest_ms=NOVEMBER_MS + 1,
        looked_at_ms=2**52 + 1, deletions=(Deletion(2, 1, 10**12), Deletion(1, 0, 3)),
    )  # fmt: skip
    other = Kept(place="task logs", days=0)
    for kept in (first, other, second, second):
        record.write(kept)
    assert record.read() == {"sessions": second, "task logs": other}


def test_boundaries_are_read_back(mongo: MongoSettings) -> None:
    record = MongoRecord(mongo)
    assert record.boundaries().sessions_ms == 0
    record.write(Kept(place="sessions", days=1, before_ms=5))
    record.write(Kept(place=topics.PRODUCT_ACTIVITY, days=1, before_ms=9))
    known = MongoRecord(mongo).boundaries()
    assert (known.sessions_ms, known.of_index(topics.PRODUCT_ACTIVITY)) == (5, 9)
    assert known.of_index(topics.SESSION_SUMMARIES) == 5


def test_a_document_of_others_is_told_and_not_taken_for_a_boundary(mongo: MongoSettings) -> None:
    client: MongoClient[Document]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        kept: Collection[Document] = client[mongo.database]["retention"]
        kept.insert_one({"_id": "sessions", "place": 7})
    with pytest.raises(StoreUnavailable, match="a document of others"):
        MongoRecord(mongo).boundaries()


@pytest.fixture(params=["remembered", "elasticsearch"])
def index(request: pytest.FixtureRequest) -> DocumentIndex:
    found: DocumentIndex = InMemoryIndex()
    if request.param == "elasticsearch":
        settings: ElasticsearchSettings = request.getfixturevalue("elasticsearch")
        found = ElasticsearchIndex(settings)
    found.prepare(topics.PRODUCT_ACTIVITY, ProductActivity)
    return found


def a_window(start_ms: int) -> Write:
    body = (
        b'{"level":"category","windowStartMs":%d,"windowEndMs":1,"productId":null,"productName":null,'
        b'"category":"c","views":1,"carts":0,"removals":0,"purchases":0,"revenueCents":0}' % start_ms
    )
    return Write(
        topics.PRODUCT_ACTIVITY, f"category:{start_ms}:c", 1, body, month_in(body) or "", moves=False
    )


def test_expired_slices_go_whole_and_a_late_import_goes_at_the_next_run(index: DocumentIndex) -> None:
    place = ExpiringSlices(index, topics.PRODUCT_ACTIVITY)
    assert (place.oldest_ms(), place.due(NOVEMBER_MS), place.delete(NOVEMBER_MS)) == (None, 0, 0)
    old = [begin_ms("2026-01"), begin_ms("2026-02") + 7, NOVEMBER_MS - 1]
    assert index.put([a_window(at_ms) for at_ms in (*old, NOVEMBER_MS, NOVEMBER_MS + 1)]) == []
    assert place.oldest_ms() == old[0]
    assert place.due(NOVEMBER_MS) == 3
    assert place.delete(begin_ms("2026-02") + 8) == 1  # of February, something stays
    assert place.delete(NOVEMBER_MS) == 2
    assert place.due(NOVEMBER_MS) == 0
    assert place.oldest_ms() == NOVEMBER_MS
    assert index.put([a_window(old[0])]) == []
    assert place.delete(NOVEMBER_MS) == 1
    index.refresh(topics.PRODUCT_ACTIVITY)
    kept = [document["windowStartMs"] for _, document in index.scan(topics.PRODUCT_ACTIVITY)]
    assert sorted(kept) == [NOVEMBER_MS, NOVEMBER_MS + 1]
    assert {month_of(at_ms) for at_ms in kept} <= set(index.months(topics.PRODUCT_ACTIVITY))
