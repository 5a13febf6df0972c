"""A whole erasure over stand-ins of log and stores, killed at every step: it ends the same, nothing of the
person is left anywhere, and windows are those of what is left."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.sessions import KEY, PSEUDONYMS, session_with
from support.traces import of_files, places_of

from streaming.access_record.file import stored_record
from streaming.contract import topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.session import Review
from streaming.contract.valid_session import StoredSession, encode, try_decode
from streaming.kafka import clients
from streaming.person import kept, run
from streaming.person.erasure_list import ErasureList
from streaming.person.erasures import Request
from streaming.person.places import EXTRACTS, REJECTED, SESSIONS, SUMMARIES, VALID
from streaming.person.sessions import without
from streaming.person.traces import Persons
from streaming.replay.history import History
from streaming.retention.boundary import NOTHING_EXPIRED
from streaming.rewriting import log
from streaming.rewriting.change import Change, Logged, anew
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.newest import IndexRecord, newest
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.summaries.documents import documents
from streaming.summaries.product import window
from streaming.words.lists import Words

ID, NAME, EMAIL = "quixotry-7", "Quixotry Jazzwork", "qjazzwork@home.example"
USER = PSEUDONYMS.user(ID)
WORDS = (ID, NAME, EMAIL, USER)
STEPS = 33
"""Of a whole erasure, after each of which it may be killed."""
BEGUN_MS = 1_000_000_000_000
REQUEST = Request("r", USER, BEGUN_MS - 1, begun_ms=BEGUN_MS)


class Killed(Exception):
    """The process has died."""


def a_session(user: str, number: int, arrived_at_ms: int = BEGUN_MS - 5) -> StoredSession:
    told = {"name": NAME, "email": EMAIL} if user == ID else {"name": "", "email": ""}
    return session_with(
        ("p", "Chair", 2.5, "chairs", "purchase"),
        ("engraved", f"for {NAME}" if user == ID else "Cup", 4.0, "gifts", "purchase"),
        user_id=user,
        session_id=f"{user}-{number}",
        raw_offset=number,
        arrived_at_ms=arrived_at_ms,
        reviews=[Review(product_id="p", rating=5, text=f"says {user}", sentiment="positive")],
        **told,
    )


SESSIONS_BEFORE = [a_session(ID, 0), a_session("other", 1), a_session(ID, 2)]
LATER = a_session(ID, 3, BEGUN_MS)


class Index(InMemoryIndex):
    """Dies with its world."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    def _answer(self) -> None:
        self._world.step()


class World:
    """Log and stores in memory, which die at the step `dies_at`."""

    def __init__(self, data: Path) -> None:
        self.data, self.step_, self.dies_at = data, 0, -1
        self.store, self.index = InMemorySessions(), Index(self)
        found = [*SESSIONS_BEFORE, LATER]
        self.topics: dict[str, list[Logged]] = {topic: [] for topic in (topics.RAW, *topics.INDEXED)}
        self.topics[topics.VALID] = [Logged(0, one.user_pseudonym.encode(), encode(one)) for one in found]
        self.topics[topics.REJECTED] = [
            self.rejected(7, ID.encode(), b"no JSON"),
            self.rejected(8, b"other", b"no JSON"),
            self.rejected(9, None, b'{"m": "%s' % EMAIL.encode()),
        ]
        self.topics[topics.REFUSED_DOCUMENTS] = []
        self.topics[topics.RAW] = [Logged(0, ID.encode(), b"raw")]
        self.store.insert([self.document(one) for one in found])
        self.rows: dict[str, dict[str, Any]] = {}
        self.redis: set[str] = {USER}
        for name, document in DOCUMENTS.items():
            self.index.prepare(name, document)
        self.put([(name, id_, of) for one in found for name, id_, of in documents(one, Words())])
        self.put([(topics.PRODUCT_ACTIVITY, id_, of) for id_, of in window(found).items()])
        self.fill_files(found)

    @staticmethod
    def rejected(offset: int, key: bytes | None, value: bytes) -> Logged:
        named = {topics.HEADER_REASON: "not_json", topics.HEADER_RAW_PARTITION: "0"}
        named |= {topics.HEADER_RAW_OFFSET: str(offset), topics.HEADER_ARRIVED_AT_MS: "1"}
        return Logged(0, key, value, [(name, text.encode()) for name, text in named.items()])

    @staticmethod
    def document(session: StoredSession) -> dict[str, Any]:
        return {"_id": session.session_pseudonym, **msgspec.to_builtins(session)}

    def put(self, found: list[tuple[str, str, Any]]) -> None:
        records = [
            IndexRecord(name, 0, 0, 0, id_.encode(), msgspec.json.encode(of)) for name, id_, of in found
        ]
        standing, _ = newest(records)
        assert self.index.put([write for _, write in standing.values()]) == []

    def fill_files(self, found: list[StoredSession]) -> None:
        extracts = self.data / "extracts" / "sessions"
        extracts.mkdir(parents=True)
        rows = [
            {"userPseudonym": one.user_pseudonym, "arrivedAtMs": one.arrived_at_ms, "n": one.raw_offset}
            for one in found
        ]
        pq.write_table(pa.Table.from_pylist(rows), extracts / "part-0-9.parquet")
        for user in {one.user_pseudonym for one in found}:
            self.rows[user] = {"_id": user, "neighbours": [{"userPseudonym": USER, "jaccard": 1.0}]}
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in self.rows.values())
        (self.data / "similar_users.jsonl").write_bytes(lines)
        (self.data / "trusted" / "run").mkdir(parents=True)
        (self.data / "trusted" / "run" / "trusted.json").write_text(json.dumps([USER]))

    def step(self) -> None:
        self.step_ += 1
        if self.step_ == self.dies_at:
            raise Killed

    def read(self, settings: object, topic: str, until: object = None) -> Iterator[Logged]:
        yield from list(self.topics[topic])

    def rewrite(self, settings: object, changes: Mapping[str, Change]) -> dict[str, int]:
        left = {}
        for topic, change in changes.items():
            before = list(self.topics[topic])
            for record in (copies := list(anew(before, change))):
                self.step()
                self.topics[topic].append(record)
            self.step()
            self.topics[topic] = copies
            left[topic] = len(copies)
        for topic in (topics.RAW, *topics.INDEXED):
            self.step()
            self.topics[topic] = []
        return left

    def places(self) -> set[str]:
        """Those that name the person, but for what came later."""

        def stored() -> Iterator[tuple[str, bytes]]:
            for topic, records in self.topics.items():
                for one in records:
                    if one.value != encode(LATER):
                        yield topic, b" ".join((one.key or b"", one.value or b"", repr(one.headers).encode()))
            for id_, document in self.store.by_id.items():
                if id_ != LATER.session_pseudonym:
                    yield "mongodb", msgspec.json.encode(document)
            for name in DOCUMENTS:
                for id_, document in self.index.documents(name).items():
                    yield name, msgspec.json.encode([id_, document])
            yield "similar users", msgspec.json.encode(list(self.rows.values()))
            yield "redis", repr(self.redis).encode()

        return places_of(WORDS, stored(), of_files(self.data))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VITRINE_PSEUDONYM_KEY", KEY)
    found = World(tmp_path / "data")

    class Store(InMemorySessions):
        def _answer(self) -> None:
            found.step()

    store = Store()
    store.by_id = found.store.by_id

    class Rows:
        def erase(self, persons: Persons) -> int:
            gone = [row for row in found.rows.values() if without(row, persons) != row]
            for row in gone:
                found.step()
                left = without(row, persons)
                if left is None:
                    del found.rows[row["_id"]]
                else:
                    found.rows[row["_id"]] = left
            return len(gone)

    def drop() -> None:
        found.step()
        found.redis.clear()

    for module in (run, kept):
        monkeypatch.setattr(module, "MongoSessions", lambda settings: store)
    monkeypatch.setattr(run, "ElasticsearchIndex", lambda settings: found.index)
    monkeypatch.setattr(run, "SimilarUsers", lambda settings: Rows())
    monkeypatch.setattr(run, "RedisDedupStore", lambda *_: SimpleNamespace(forget_persons=drop))
    monkeypatch.setattr(
        run, "MongoRecord", lambda settings: SimpleNamespace(boundaries=lambda: NOTHING_EXPIRED)
    )
    monkeypatch.setattr(run, "history", lambda settings: History([], {}))
    monkeypatch.setattr(clients, "segment_ms", lambda *_: 1)
    monkeypatch.setattr(log, "read", found.read)
    monkeypatch.setattr(log, "rewrite", found.rewrite)
    return found


def erase(world: World, dies_at: int = -1) -> dict[str, int | None]:
    world.step_, world.dies_at = 0, dies_at
    return {one.place: one.records for one in run.erase([REQUEST], {}, lambda step: None)}


def check(world: World) -> None:
    # What came after the request is a new visit; the job makes its documents again.
    assert world.places() <= {str(world.data / "extracts" / "sessions" / "part-0-9.parquet")}
    rows = pq.read_table(world.data / "extracts" / "sessions" / "part-0-9.parquet").to_pylist()
    assert [row["n"] for row in rows] == [1, 3]
    left = [try_decode(one.value, PSEUDONYMS) for one in world.topics[topics.VALID]]
    assert [type(one) for one in left] == [ErasedSession, type(left[1]), ErasedSession, type(left[1])]
    assert set(world.store.by_id) == {one.session_pseudonym for one in left if one is not None}
    others = [one.key for one in world.topics[topics.REJECTED]]
    assert others == [None, b"other", None]
    counted = world.index.documents(topics.PRODUCT_ACTIVITY)
    expected = window([one for one in left if one is not None])
    assert counted == {id_: msgspec.to_builtins(of) for id_, of in expected.items()}
    assert not list((world.data / "trusted").iterdir())


def test_nothing_is_left_and_what_is_told_is_true(world: World) -> None:
    assert {"mongodb", topics.VALID, topics.REJECTED, "similar users"} <= world.places()
    stored_record().add("os:ann", "export", "rejected messages (all reasons, …) to rejected.jsonl")
    stored_record().add("os:ann", "export", "everything kept of a person to x.json", users=[USER])
    stored_record().add("os:ann", "export", "everything kept of a person to y.json", users=["f" * 32])
    world.step_ = 0
    told = run.erase([REQUEST], {}, lambda step: None)
    assert world.step_ == STEPS
    removed = {one.place: one.records for one in told}
    assert (removed[VALID], removed[REJECTED], removed[SESSIONS]) == (2, 2, 2)
    assert (removed[SUMMARIES], removed[EXTRACTS]) == (3, 2)
    files = [one.told for one in told if "files of" in one.place]
    assert len(files) == 2
    assert any("rejected.jsonl" in one for one in files)
    assert any("x.json" in one for one in files)
    (world.data / "accesses").rename(world.data.parent / "accesses")  # its names are those of files
    check(world)


def test_killed_again_and_again_it_ends_the_same(world: World) -> None:
    """Each time it comes one step further."""
    dies_at = 0
    while True:
        dies_at += 1
        try:
            erase(world, dies_at)
        except Killed:
            continue
        break
    assert dies_at > 20
    check(world)


@pytest.mark.parametrize("dies_at", range(1, STEPS + 1))
def test_killed_once_it_ends_the_same(world: World, dies_at: int) -> None:
    with pytest.raises(Killed):
        erase(world, dies_at)
    erase(world)
    check(world)
    again = erase(world)
    assert {place: count for place, count in again.items() if count} == {}


def a_list(world: World, *requests: Request) -> ErasureList:
    found = ErasureList(world.data.parent / "erasures")
    for one in requests:
        found.begin([found.request(one.user)], one.begun_ms or 0)
    return found


def restore(world: World, *sessions: StoredSession) -> None:
    world.store.insert([world.document(one) for one in sessions])
    world.put([(name, id_, of) for one in sessions for name, id_, of in documents(one, Words())])


def test_a_restore_brings_nobody_back_and_takes_no_new_visit(world: World) -> None:
    erase(world)
    back = SESSIONS_BEFORE[0]
    restore(world, back)
    (world.data / "trusted" / "newer").mkdir()
    run.erase_again(a_list(world, REQUEST), lambda step: None)
    assert LATER.session_pseudonym in world.store.by_id
    assert back.session_pseudonym not in world.store.by_id
    assert topics.SESSION_SUMMARIES not in world.places()
    assert (world.data / "trusted" / "newer").exists()


@pytest.mark.parametrize("stored_yet", [True, False])
def test_documents_of_who_came_back_stay(world: World, stored_yet: bool) -> None:
    """Their sessions may have ended before the erasure and arrived after it; the store may lag behind."""
    erase(world)
    restore(world, SESSIONS_BEFORE[0], LATER)
    if not stored_yet:
        world.store.remove([LATER.session_pseudonym])
    run.erase_again(a_list(world, REQUEST), lambda step: None)
    summaries = world.index.documents(topics.SESSION_SUMMARIES)
    assert LATER.session_pseudonym in summaries
    assert SESSIONS_BEFORE[0].session_pseudonym not in summaries
    sentiments = world.index.documents(topics.PRODUCT_SENTIMENT).values()
    assert LATER.session_pseudonym in {one["sessionPseudonym"] for one in sentiments}


def test_whom_the_log_alone_knows_is_erased_again_and_comes_on_the_list(world: World) -> None:
    """The machine was lost after the erasure, and the newest backup is of before."""
    erase(world)
    restore(world, *SESSIONS_BEFORE)
    older = a_session(ID, 50, 5)  # which the log has forgotten
    restore(world, older)
    empty = a_list(world)
    run.erase_again(empty, lambda step: None)
    gone = {
        SESSIONS_BEFORE[0].session_pseudonym,
        SESSIONS_BEFORE[2].session_pseudonym,
        older.session_pseudonym,
    }
    assert not gone & set(world.store.by_id)
    assert {SESSIONS_BEFORE[1].session_pseudonym, LATER.session_pseudonym} <= set(world.store.by_id)
    assert not gone & set(world.index.documents(topics.SESSION_SUMMARIES))
    [learnt] = empty.requests()
    assert (learnt.user, learnt.state) == (USER, "done")
    assert BEGUN_MS - 5 < (learnt.begun_ms or 0) <= BEGUN_MS
    run.erase_again(empty, lambda step: None)
    assert empty.requests() == [learnt]


def test_sessions_of_another_log_at_the_same_positions_are_nobodys(world: World) -> None:
    erase(world)
    restore(world, a_session("third", 0, BEGUN_MS - 4))
    empty = a_list(world)
    assert run.erase_again(empty, lambda step: None) == []
    assert empty.requests() == []


def test_sessions_that_an_earlier_release_stored_are_erased_again_too(world: World) -> None:
    erase(world)
    for one in (SESSIONS_BEFORE[0], SESSIONS_BEFORE[1]):
        fields = world.document(one)
        for name in ("userPseudonym", "sessionPseudonym", "pseudonymKey"):
            del fields[name]
        who = fields.pop("identity")
        world.store.insert([{**fields, **who, "_id": f"earlier {one.raw_offset}"}])
    run.erase_again(a_list(world), lambda step: None)
    assert "earlier 0" not in world.store.by_id
    assert "earlier 1" in world.store.by_id  # of somebody else; migrate makes it one of today
    assert "mongodb" not in world.places()
