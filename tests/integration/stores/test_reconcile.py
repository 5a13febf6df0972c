"""`./vitrine reconcile` on the real components: it holds, and one document more or less anywhere is named."""

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from elasticsearch import Elasticsearch
from pymongo import MongoClient
from pymongo.collection import Collection

from streaming.adapters import kafka as clients
from streaming.adapters.elasticsearch import client
from streaming.adapters.mongo import COLLECTION
from streaming.events import topics
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings

Until = Callable[[Callable[[], bool]], None]
Reconcile = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def reconcile(stages: Any) -> Reconcile:
    """The command in a process of its own, on the names of the test: (exit code, report)."""

    def run(timeout_s: float = 60) -> tuple[int, dict[str, Any]]:
        import os

        code = f"import sys; from streaming.ledger.command import run; sys.exit(run(True, {timeout_s}))"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **stages.environment},
            capture_output=True,
            timeout=timeout_s + 60,
        )
        report = json.loads(done.stdout) if done.stdout else {"said": done.stderr.decode()}
        return done.returncode, report

    return run


@pytest.fixture
def settled(pipeline: Any, stages: Any) -> Any:
    """A gate of its own, store and index have dealt with a few hundred sessions; Flink is played."""
    for stage in ("gate", "store", "index"):
        stages.start(stage)
    pipeline.send(300)
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    return pipeline


def test_it_holds_and_names_whatever_is_then_done_to_a_store(
    settled: Any,
    reconcile: Reconcile,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
) -> None:
    code, report = reconcile()
    assert (code, report["holds"], report["breaks"]) == (0, True, [])
    assert report["sent"] == report["valid"] + report["duplicate"] + sum(report["rejected"].values()) > 300
    assert report["mongodb"] == report["elasticsearch"][topics.SESSION_SUMMARIES] == report["valid"]
    assert report["distinct_users"]["exact"] == pytest.approx(report["distinct_users"]["estimate"], rel=0.05)

    index, target = client(elasticsearch), elasticsearch.index_prefix
    for name in topics.INDEXED:
        _broken_by_elasticsearch(index, target + name, name, reconcile)
    database: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as database:
        _broken_by_mongodb(database[mongo.database][COLLECTION], reconcile)
    code, report = reconcile()
    assert (code, report["breaks"]) == (0, [])


def _broken_by_elasticsearch(index: Elasticsearch, at: str, name: str, reconcile: Reconcile) -> None:
    """One document altered, removed and added; each is named, and the index is as before in the end."""
    found = index.search(index=at, size=1, version=True)["hits"]["hits"][0]
    id_, source, version = found["_id"], found["_source"], found["_version"]

    def put(id_: str, document: dict[str, Any]) -> None:
        nonlocal version
        version += 1
        index.index(index=at, id=id_, document=document, version=version, version_type="external")

    def named(what: str, id_: str) -> None:
        code, report = reconcile()
        assert (code, report["holds"], report["breaks_in_all"]) == (1, False, 1), report
        [one] = report["breaks"]
        assert one["where"] == name and what in one["what"]
        assert id_ in (one.get("session"), one.get("document"))
        assert what == "follows from no valid session" or one["session"]

    put(id_, source | {next(field for field, value in source.items() if value): None})
    named("has another content", id_)
    version += 1
    index.delete(index=at, id=id_, version=version, version_type="external")
    named("is missing", id_)
    put(id_, source)
    index.index(index=at, id="nobody:0", document=source)
    named("follows from no valid session", "nobody:0")
    index.delete(index=at, id="nobody:0")


def _broken_by_mongodb(sessions: Collection[dict[str, Any]], reconcile: Reconcile) -> None:
    found = sessions.find_one()
    assert found is not None

    def named(what: str, session_id: str) -> None:
        code, report = reconcile()
        assert (code, report["holds"], report["breaks_in_all"]) == (1, False, 1), report
        [one] = report["breaks"]
        assert one["where"] == "mongodb" and what in one["what"] and session_id in one["session"]

    sessions.update_one({"_id": found["_id"]}, {"$set": {"pageViews": found["pageViews"] + 1}})
    named("has another content", found["_id"])
    sessions.delete_one({"_id": found["_id"]})
    named("is missing", found["_id"])
    sessions.insert_one(found)
    strange = sessions.insert_one({key: value for key, value in found.items() if key != "_id"}).inserted_id
    named("follows from no valid session", str(strange))
    sessions.delete_one({"_id": strange})


def test_an_outcome_twice_or_of_no_record_is_named(
    settled: Any, reconcile: Reconcile, kafka: KafkaSettings
) -> None:
    """As a gate without transactions would leave it."""
    once = next(iter(clients.read_all(kafka, topics.REJECTED)))
    sender = clients.producer(kafka)
    sender.produce(
        clients.name(kafka, topics.REJECTED), once.value(), once.key(), headers=once.headers(), partition=0
    )
    assert sender.flush(30) == 0
    code, report = reconcile()
    assert code == 1
    headers = dict(once.headers() or [])
    place = f"{headers['raw_partition'].decode()}:{headers['raw_offset'].decode()}"
    assert [(one["where"], one["raw"]) for one in report["breaks"]] == [("raw", place)]


def test_it_is_right_while_sessions_keep_coming(settled: Any, reconcile: Reconcile) -> None:
    """Store and index go on during the account; what came after it began breaks nothing."""
    import threading

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
        except BaseException as error:
            failures.append(error)

    going_on = threading.Thread(target=traffic)
    going_on.start()
    try:
        reports = [reconcile() for _ in range(3)]
    finally:
        stop.set()
        going_on.join(60)
    assert not failures
    assert [(code, report.get("breaks")) for code, report in reports] == [(0, [])] * 3
    assert reports[-1][1]["sent"] > reports[0][1]["sent"]


def test_a_stage_that_does_not_run_is_said_and_nothing_claimed(pipeline: Any, reconcile: Reconcile) -> None:
    pipeline.send(20)
    code, report = reconcile(timeout_s=2)
    assert code == 3
    assert "gate" in report["said"]


def test_a_deleted_head_is_said_and_nothing_claimed(pipeline: Any, reconcile: Reconcile) -> None:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    pipeline.send(20)
    admin = AdminClient(clients.properties(pipeline.kafka))
    partitions = [
        TopicPartition(clients.name(pipeline.kafka, topics.RAW), partition, 3) for partition in (0, 1)
    ]
    for deleted in admin.delete_records(partitions).values():
        deleted.result(30)
    code, report = reconcile(timeout_s=2)
    assert code == 3
    assert "Retention has deleted the first 6 records" in report["said"]
    assert msgspec.json.encode(report)
