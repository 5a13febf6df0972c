"""`./vitrine purge` on the real components, but for the supervisor: the test stops and starts the stages, and
stands in for Flink."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.pipeline import Pipeline, Stages
from support.sessions import session_with
from waiting import HUNG_S

from streaming.contract import topics
from streaming.contract.session import LIVE_FEED
from streaming.contract.time_units import HOUR_MS
from streaming.contract.topology import BY_NAME
from streaming.contract.valid_session import sent
from streaming.kafka import clients, members
from streaming.process.exit_code import InvalidRequest
from streaming.purge.run import count, purge
from streaming.reconcile.command import run
from streaming.settings import ElasticsearchSettings, ImportSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions

VIEWED = ("p", "n", 1.0, "c", "view")
STAGES = ("gate", "store", "index")


def send(kafka: KafkaSettings, ids: range, feed: str, age_ms: int = 0) -> None:
    now_ms, sender = time.time_ns() // 1_000_000, clients.producer(kafka)
    for number in ids:
        one = session_with(
            VIEWED,
            session_id=f"s{number}",
            user_id=f"u{number % 3}",
            feed=feed,
            event_time_ms=now_ms - age_ms,
        )
        sender.produce(clients.name(kafka, topics.RAW), msgspec.json.encode(sent(one)), b"u")
    assert sender.flush(HUNG_S) == 0


def test_a_purged_feed_leaves_no_trace_and_the_rest_agrees(
    pipeline: Pipeline,
    stages: Stages,
    kafka: KafkaSettings,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))

    def reconciled() -> dict[str, Any]:
        capsys.readouterr()
        code = run(as_json=True, timeout_s=HUNG_S)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        report: dict[str, Any] = json.loads(printed.out)
        return report

    own = ImportSettings().imports.feed("0123456789ab")
    running = [stages.start(stage) for stage in STAGES]
    send(kafka, range(20), LIVE_FEED)
    send(kafka, range(20, 25), own)
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    assert reconciled()["mongodb"] == 25
    with pytest.raises(InvalidRequest):
        count("nobody's")
    assert count(LIVE_FEED) == 20
    assert set(members.running(kafka, BY_NAME)) == set(STAGES)
    with pytest.raises(InvalidRequest, match="gate"):
        members.require_stopped(kafka, BY_NAME, time.monotonic())

    for stage in running:
        assert stages.stop(stage) == 0
    members.require_stopped(kafka, BY_NAME, time.monotonic() + HUNG_S)
    for _ in range(2):  # once more, as if it had been killed at its end
        purged = purge(LIVE_FEED, lambda step: None)
        assert purged.left == 5
    assert {document["feed"] for document in MongoSessions(mongo).scan()} == {own}
    assert {session.feed for session in pipeline.valid()} == {own}

    anew = Pipeline(kafka)  # Flink's state is deleted
    running = [stages.start(stage) for stage in STAGES]
    anew.summarise()
    report = reconciled()
    assert (report["mongodb"], report["sent"]) == (5, 0)
    index = ElasticsearchIndex(elasticsearch)
    views = {one["views"] for _, one in index.scan(topics.PRODUCT_ACTIVITY)}
    assert views == {5}

    # The same ids may come again, as real sessions; those that were purged make none of them late.
    send(kafka, range(2), LIVE_FEED, age_ms=3 * HOUR_MS)
    anew.drain("gate", topics.RAW)
    anew.summarise()
    report = reconciled()
    assert (report["valid"], report["duplicate"], report["late"], report["mongodb"]) == (2, 0, 0, 7)
