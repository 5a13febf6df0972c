"""What is asked of the database: durable writes of either server, and of the embedded one nothing that it
would work out row by row."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bson.int64 import Int64
from nx_27017.handler import NeoSQLiteHandler
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from streaming.contract.period import Window
from streaming.extraction.pages import pages
from streaming.settings import MongoSettings
from streaming.sinks.mongo import sessions as adapter
from streaming.sinks.mongo.sessions import COLLECTION, INDEXED, SYNCED, MongoSessions, is_embedded
from streaming.stores import Document

MONGOD = {
    "version": "7.0.14",
    "gitVersion": "ce59cfc6a3c5e5c067dca0d30697edd68d4f5188",
    "modules": [],
    "allocator": "tcmalloc",
    "storageEngines": ["devnull", "wiredTiger"],
    "bits": 64,
    "ok": 1.0,
}


class Asked(CommandListener):
    """Remembers the commands that a client sends."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        self.commands.append(dict(event.command))

    def succeeded(self, event: object) -> None: ...

    def failed(self, event: object) -> None: ...

    def writes(self) -> list[tuple[str, dict[str, Any]]]:
        """(collection, write concern) of each write in order."""
        return [
            (command[name], command["writeConcern"])
            for command in self.commands
            for name in ("insert", "update", "findAndModify", "delete")
            if name in command
        ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    listener = Asked()
    monkeypatch.setattr(
        adapter, "MongoClient", lambda *a, **k: MongoClient(*a, event_listeners=[listener], **k)
    )
    return listener


def a_version(n: int, at_ms: int) -> Document:
    known_as = {"_id": f"s{n}", "sessionPseudonym": f"s{n}"}
    return known_as | {"arrivedAtMs": at_ms, "rawPartition": 0, "rawOffset": n}


SAFE = {"w": "majority", "j": True}


def test_mongod_syncs_every_write(
    mongo: MongoSettings, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "is_embedded", lambda build_info: False)
    store = MongoSessions(mongo)
    for at_ms in (1, 2):
        store.insert([a_version(n, at_ms) for n in range(3)])
    assert asked.writes() == [(COLLECTION, SAFE)] * 5  # two batches, three replaced


def test_the_embedded_server_syncs_once_when_all_of_a_batch_is_written(
    mongo: MongoSettings, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "is_embedded", lambda build_info: True)
    store = MongoSessions(mongo)
    store.insert([a_version(n, 1) for n in range(50)])
    assert asked.writes() == [(COLLECTION, {"w": 1}), (SYNCED, SAFE)]
    asked.commands.clear()
    store.insert([a_version(n, 2) for n in range(2)])
    assert asked.writes() == [(COLLECTION, {"w": 1})] * 3 + [(SYNCED, SAFE)]


def test_a_replay_is_synced_though_it_changes_nothing(
    mongo: MongoSettings, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it finds may have been written by a stage that died before its sync."""
    monkeypatch.setattr(adapter, "is_embedded", lambda build_info: True)
    store = MongoSessions(mongo)
    for _ in range(2):
        store.insert([a_version(1, 1)])
        assert asked.writes()[-1] == (SYNCED, SAFE)
    first, second = (command["updates"][0]["u"] for command in asked.commands if "update" in command)
    assert first != second  # what changes nothing is not written, and so not synced either


def test_the_embedded_server_says_so_and_mongod_does_not(tmp_path: Path) -> None:
    server = NeoSQLiteHandler(data_dir=str(tmp_path))
    assert is_embedded(_answer(server, {"buildInfo": 1, "$db": "vitrine"}))
    assert not is_embedded(MONGOD)
    assert not is_embedded(MONGOD | {"process": "mongod"})


def test_the_embedded_server_syncs_its_log_for_j_and_only_then(tmp_path: Path) -> None:
    """FULL is 2: the write-ahead log is synced with each commit. NORMAL is 1: only before a checkpoint."""
    server = NeoSQLiteHandler(data_dir=str(tmp_path))
    for concern, synchronous in (({"w": 1}, 1), (SAFE, 2), ({"w": 1}, 1)):
        body: dict[str, object] = {"insert": "a", "documents": [{}], "writeConcern": concern}
        body["$db"] = "vitrine"
        server.handle_insert({"request_id": 1, "sections": [("body", body)]})
        connection = server.get_database("vitrine").db
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)


OF_U3: Document = {"userPseudonym": "u3", "feed": "live"}
CONSENTS = {
    5: OF_U3 | {"consent": None},
    6: OF_U3 | {"consent": {"training": False}},
    7: {"userPseudonym": "u4", "feed": "live", "consent": None},
}


def scanned(mongo: MongoSettings) -> None:
    assert len(list(MongoSessions(mongo).scan())) == 9


def only_ids_read(mongo: MongoSettings) -> None:
    assert list(MongoSessions(mongo).ids()) == [f"s{n}" for n in range(1, 10)]


def extracted(mongo: MongoSettings) -> None:
    sessions = adapter.client(mongo)[mongo.database][COLLECTION]
    found = pages(sessions, Window(1, Int64(2**53)), size=3)
    assert sum(map(len, found)) == 9


def found_by_id(mongo: MongoSettings) -> None:
    assert MongoSessions(mongo).find("s3") == a_version(3, 3)


def consents_read(mongo: MongoSettings) -> None:
    assert [one["consent"] for one in MongoSessions(mongo).consents("u3")] == [None, {"training": False}]


def met_again(mongo: MongoSettings) -> None:
    MongoSessions(mongo).insert([a_version(n, n) for n in range(1, 10)])


def test_who_asks_for_consents_is_sent_nothing_else(mongo: MongoSettings) -> None:
    store = MongoSessions(mongo)
    store.insert(
        [a_version(n, 1) | said | {"identity": {"email": "a@b.example"}} for n, said in CONSENTS.items()]
    )
    assert [one.keys() for one in store.consents("u3")] == [{"_id", "feed", "consent"}] * 2
    assert store.consents("nobody") == []


def test_who_asks_for_ids_is_sent_nothing_else(mongo: MongoSettings, asked: Asked) -> None:
    store = MongoSessions(mongo)
    store.insert([a_version(1, 1) | {"email": "a@b.example"}])
    asked.commands.clear()
    assert list(store.ids()) == ["s1"]
    assert [command["projection"] for command in asked.commands if "find" in command] == [{"_id": 1}]


@pytest.mark.parametrize("read", [scanned, only_ids_read, extracted, found_by_id, consents_read, met_again])
def test_the_embedded_server_looks_at_no_more_than_it_gives(
    read: Callable[[MongoSettings], None],
    mongo: MongoSettings,
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every question asked is put to the same server in this process, which tells what it makes of it."""
    monkeypatch.setattr(adapter, "PAGE", 3)
    store = MongoSessions(mongo)
    store.insert([a_version(n, n) | CONSENTS.get(n, {}) for n in range(1, 10)])
    asked.commands.clear()
    read(mongo)
    questions = [command for command in asked.commands if "find" in command]
    assert questions

    server = NeoSQLiteHandler(data_dir=str(tmp_path))
    connection = server.get_database(mongo.database)
    for field in INDEXED:
        connection[COLLECTION].create_index(field)
    connection[COLLECTION].insert_many([a_version(n, n) for n in range(1, 100)])
    for question in questions:
        seen: list[str] = []
        connection.db.set_trace_callback(seen.append)
        _answer(server, question)
        connection.db.set_trace_callback(None)
        [select] = [sql for sql in seen if sql.startswith("SELECT id, _id")]
        plan = [row[3] for row in connection.db.execute(f"EXPLAIN QUERY PLAN {select}")]
        assert all("USING INDEX" in step for step in plan), plan
        assert "LIMIT" in select or "IN (" in select or "'$.userPseudonym') = " in select


def test_so_it_would_look_at_all_if_it_were_asked_otherwise(tmp_path: Path) -> None:
    """The form that was given up; when this no longer holds, the plain one will do."""
    server = NeoSQLiteHandler(data_dir=str(tmp_path))
    connection = server.get_database("vitrine")
    connection[COLLECTION].insert_many([a_version(n, n) for n in range(1, 100)])
    seen: list[str] = []
    connection.db.set_trace_callback(seen.append)
    plainly = {"find": COLLECTION, "filter": {"_id": {"$gt": "s3"}}, "sort": {"_id": 1}, "limit": 3}
    assert len(_answer(server, plainly | {"$db": "vitrine"})["cursor"]["firstBatch"]) == 3
    [select] = [sql for sql in seen if sql.startswith("SELECT id, _id")]
    assert "LIMIT" not in select


def _answer(server: NeoSQLiteHandler, command: dict[str, Any]) -> dict[str, Any]:
    own = {name: value for name, value in command.items() if name not in ("lsid", "$readPreference")}
    _, answer = server.handle_command({"request_id": next(_ids), "sections": [("body", own)]})
    return dict(answer)


_ids = itertools.count(1)
