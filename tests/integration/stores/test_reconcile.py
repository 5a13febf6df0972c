"""`./vitrine reconcile` on the real components: the stores agree, and any document too many or too few is
named."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import pytest
from confluent_kafka import Message, TopicPartition
from confluent_kafka.admin import AdminClient
from elasticsearch import Elasticsearch
from pymongo import MongoClient
from pymongo.collection import Collection
from support.pipeline import Pipeline, Stages
from support.records import position, text_headers
from support.sessions import PSEUDONYMS
from waiting import HUNG_S, until

from streaming.contract import topics
from streaming.contract.valid_session import decode
from streaming.kafka import clients
from streaming.reconcile.command import run
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.connection import client
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.newest import month_in
from streaming.sinks.mongo.sessions import COLLECTION

Reconcile = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def reconcile(
    stages: Stages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Reconcile:
    """Runs the command with the settings of the test; returns exit code and report, or the error message."""
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)

    def call(timeout_s: float = HUNG_S, **period: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = run(as_json=True, timeout_s=timeout_s, **period)
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else {"error": " ".join(printed.err.split())}

    return call


@pytest.fixture
def settled(pipeline: Pipeline, stages: Stages) -> Pipeline:
    """Gate, store and index of this test have processed a few hundred sessions; the test itself stands in for
    Flink."""
    for stage in ("gate", "store", "index"):
        stages.start(stage)
    pipeline.send(300)
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    return pipeline


def test_the_stores_agree_and_any_change_of_one_is_named(
    settled: Pipeline,
    reconcile: Reconcile,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
) -> None:
    code, report = reconcile()
    assert (code, report["holds"], report["breaks"]) == (0, True, [])
    assert report["sent"] == report["valid"] + report["duplicate"] + sum(report["rejected"].values()) > 300
    assert report["mongodb"] == report["elasticsearch"][topics.SESSION_SUMMARIES] == report["valid"]
    assert report["distinct_users"]["exact"] == pytest.approx(report["distinct_users"]["estimate"], rel=0.05)

    database: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as database:
        stores: dict[str, Store] = {"mongodb": MongoStore(database[mongo.database][COLLECTION])}
        for name in topics.INDEXED:
            stores[name] = IndexStore(client(elasticsearch), elasticsearch.index_prefix + name)
        chosen = {where: store.any() for where, store in stores.items()}

        for where, store in stores.items():
            id_, document = chosen[where]
            store.put(id_, document | {next(name for name, value in document.items() if value): None})
        assert _named(reconcile, "has another content") == {where: id_ for where, (id_, _) in chosen.items()}
        for where, store in stores.items():
            store.delete(chosen[where][0])
        assert _named(reconcile, "is missing") == {where: id_ for where, (id_, _) in chosen.items()}
        for where, store in stores.items():
            store.put(*chosen[where])
            store.put("nobody:0", chosen[where][1])
        assert _named(reconcile, "follows from no valid session") == dict.fromkeys(stores, "nobody:0")
        for store in stores.values():
            store.delete("nobody:0")
        code, report = reconcile()
        assert (code, report["breaks"]) == (0, [])


def _named(reconcile: Reconcile, what: str) -> dict[str, str]:
    """The document of each store's discrepancy."""
    code, report = reconcile()
    assert (code, report["holds"]) == (1, False)
    assert report["breaks_in_all"] == len(report["breaks"]) == 4
    for one in report["breaks"]:
        assert what in one["what"]
        assert one.get("session") or what == "follows from no valid session"
    return {one["where"]: one.get("document", one.get("session")) for one in report["breaks"]}


class Store(Protocol):
    """What a user with a client can do to a store."""

    def any(self) -> tuple[str, dict[str, Any]]: ...
    def put(self, id_: str, document: dict[str, Any]) -> None: ...
    def delete(self, id_: str) -> None: ...


class IndexStore:
    def __init__(self, index: Elasticsearch, name: str) -> None:
        self._index, self._name, self._version = index, name, 3 * 2**61

    def any(self) -> tuple[str, dict[str, Any]]:
        found = self._index.search(index=self._name, size=1)["hits"]["hits"][0]
        return found["_id"], found["_source"]

    def put(self, id_: str, document: dict[str, Any]) -> None:
        self._version += 1
        self._index.index(
            index=self._slice(msgspec.json.encode(document)),
            id=id_,
            document=document,
            version=self._version,
            version_type="external",
        )

    def delete(self, id_: str) -> None:
        self._version += 1
        self._index.indices.refresh(index=self._name)
        [held] = self._index.search(index=self._name, query={"ids": {"values": [id_]}})["hits"]["hits"]
        self._index.delete(index=held["_index"], id=id_, version=self._version, version_type="external")

    def _slice(self, body: bytes) -> str:
        return f"{self._name}-{month_in(body)}"


class MongoStore:
    def __init__(self, sessions: Collection[dict[str, Any]]) -> None:
        self._sessions = sessions

    def any(self) -> tuple[str, dict[str, Any]]:
        found = self._sessions.find_one()
        assert found is not None
        return found.pop("_id"), found

    def put(self, id_: str, document: dict[str, Any]) -> None:
        self._sessions.replace_one({"_id": id_}, {"_id": id_, **document}, upsert=True)

    def delete(self, id_: str) -> None:
        self._sessions.delete_one({"_id": id_})


def test_a_second_outcome_of_a_record_is_named(
    settled: Pipeline, reconcile: Reconcile, kafka: KafkaSettings
) -> None:
    """A gate without transactions could write one."""
    once = next(iter(clients.read_all(kafka, topics.REJECTED)))
    sender = clients.producer(kafka)
    sender.produce(
        clients.name(kafka, topics.REJECTED), once.value(), once.key(), headers=once.headers(), partition=0
    )
    assert sender.flush(HUNG_S) == 0
    code, report = reconcile()
    assert code == 1
    headers = text_headers(once.headers())
    raw = f"{headers['raw_partition']}:{headers['raw_offset']}"
    assert [(one["where"], one["raw"]) for one in report["breaks"]] == [("raw", raw)]


def test_it_finds_no_discrepancy_while_sessions_keep_coming(settled: Pipeline, reconcile: Reconcile) -> None:
    """Store and index keep writing during the comparison; sessions that arrived after its begin are left
    out."""
    failures: list[BaseException] = []
    stop = threading.Event()

    def traffic() -> None:
        seed = 10
        try:
            while not stop.is_set():
                settled.send(100, seed)
                settled.drain("gate", topics.RAW)
                settled.summarise()
                seed += 1
        except BaseException as error:  # noqa: BLE001  (the test asserts that there is none)
            failures.append(error)

    sending = threading.Thread(target=traffic)
    sending.start()
    try:
        reports = [reconcile() for _ in range(3)]
        while reports[-1][1]["sent"] == reports[0][1]["sent"] and not failures:
            reports.append(reconcile())
    finally:
        stop.set()
        sending.join()
    assert not failures
    assert {(code, *report["breaks"]) for code, report in reports} == {(0,)}


def test_a_stage_that_does_not_run_is_named_and_no_verdict_given(
    pipeline: Pipeline, reconcile: Reconcile
) -> None:
    pipeline.send(20)
    code, report = reconcile(timeout_s=2)
    assert code == 3
    assert "gate" in report["error"]


def _delete_heads(kafka: KafkaSettings, topic: str, before: dict[int, int]) -> None:
    admin = AdminClient(clients.properties(kafka))
    heads = [TopicPartition(clients.name(kafka, topic), *at) for at in before.items()]
    for deleted in admin.delete_records(heads).values():
        deleted.result(HUNG_S)


def test_deleted_oldest_records_are_left_out_and_the_others_compared(
    settled: Pipeline, reconcile: Reconcile, mongo: MongoSettings
) -> None:
    whole = reconcile()[1]
    _delete_heads(settled.kafka, topics.RAW, {0: 3, 1: 5})
    code, report = reconcile()
    assert (code, report["breaks"]) == (0, [])
    assert {at: one["from"] for at, one in report["partitions"].items()} == {"0": 3, "1": 5}
    assert report["sent"] == whole["sent"] - 8

    valid: dict[int, list[Message]] = defaultdict(list)
    for message in clients.read_all(settled.kafka, topics.VALID):
        valid[position(message)[0]].append(message)
    _delete_heads(settled.kafka, topics.VALID, {at: position(of[9])[1] for at, of in valid.items()})
    code, report = reconcile()
    assert (code, report["breaks"]) == (0, [])
    assert report["older_than_log"] == 18
    assert 0 < report["sent"] < whole["sent"] - 8
    assert report["mongodb"] == whole["mongodb"]
    assert report["digests"] == whole["digests"]

    late_comer = decode(valid[0][-1].value() or b"", PSEUDONYMS)
    database: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as database:
        MongoStore(database[mongo.database][COLLECTION]).delete(late_comer.session_pseudonym)
    code, report = reconcile()
    assert (code, [one["session"] for one in report["breaks"]]) == (1, [late_comer.session_pseudonym])


def test_a_deleted_index_or_collection_is_found(
    settled: Pipeline, reconcile: Reconcile, mongo: MongoSettings, elasticsearch: ElasticsearchSettings
) -> None:
    assert reconcile()[0] == 0
    index = ElasticsearchIndex(elasticsearch)
    for month in index.months(topics.SESSION_SUMMARIES):
        index.drop(topics.SESSION_SUMMARIES, month)
    code, report = reconcile()
    assert (code, report["breaks_in_all"]) == (1, report["valid"])
    assert {one["where"] for one in report["breaks"]} == {topics.SESSION_SUMMARIES}
    database: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as database:
        database[mongo.database].drop_collection(COLLECTION)
    code, report = reconcile()
    assert (code, report["breaks_in_all"], report["mongodb"]) == (1, 2 * report["valid"], 0)
    positions = [tuple(map(int, one["raw"].split(":"))) for one in report["breaks"]]
    assert positions == sorted(positions)


def test_only_the_period_is_compared(settled: Pipeline, reconcile: Reconcile, mongo: MongoSettings) -> None:
    first = reconcile()[1]
    between_ms = time.time_ns() // 1_000_000 + 1
    until(lambda: time.time_ns() // 1_000_000 > between_ms, "the next millisecond")
    settled.send(200, seed=2)
    settled.drain("gate", topics.RAW)
    settled.summarise()
    moment = datetime.fromtimestamp(between_ms / 1000, UTC).isoformat()
    before, after = reconcile(end=moment)[1], reconcile(start=moment)[1]
    whole = reconcile()[1]
    assert before["holds"]
    assert after["holds"]
    assert before["sent"] == first["sent"] > 300
    assert before["sent"] + after["sent"] == whole["sent"]
    for figure in ("valid", "duplicate", "late"):
        assert before[figure] + after[figure] == whole[figure]
    for at, one in whole["partitions"].items():
        assert one["sent"] == one["valid"] + one["duplicate"] + sum(one["rejected"].values())
        assert before["partitions"][at]["to"] == after["partitions"][at]["from"]
    assert whole["stages"]["gate"][topics.RAW] == {at: one["to"] for at, one in whole["partitions"].items()}
    assert set(whole["stages"]) == {"gate", "store", "summaries", "index"}

    youngest = max(settled.valid(), key=lambda session: session.arrived_at_ms)
    database: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as database:
        MongoStore(database[mongo.database][COLLECTION]).delete(youngest.session_pseudonym)
    assert reconcile(end=moment)[0] == 0
    code, report = reconcile(start=moment)
    assert (code, [one["session"] for one in report["breaks"]]) == (1, [youngest.session_pseudonym])
    assert report["breaks"][0]["raw"] == f"{youngest.raw_partition}:{youngest.raw_offset}"
    assert reconcile(start="tomorrow")[0] == 2
