"""`./vitrine retention` on the real components: what has expired is gone, the stores still agree, and what
comes late goes at the next run."""

import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.pipeline import Pipeline, Stages
from support.sessions import PSEUDONYMS, session_with
from waiting import HUNG_S

from streaming.contract import topics
from streaming.contract.session import Review
from streaming.contract.time_units import DAY_MS
from streaming.contract.valid_session import sent
from streaming.kafka import clients
from streaming.reconcile import command as reconcile_command
from streaming.reconcile import recompute
from streaming.retention import command as retention_command
from streaming.settings import ElasticsearchSettings, ImportSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions

DAYS_AGO = (0, 10, 500, 600, 600, 900)
"""Of these, the default settings keep two sessions, and the window totals of five."""
VIEWED = ("p", "n", 1.0, "c", "view")
Told = dict[str, Any]


@pytest.fixture
def told(
    stages: Stages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[Callable[[], int]], Told]:
    """Calls a command with the settings of the test; it must succeed. Returns what it printed."""
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))

    def call(command: Callable[[], int]) -> Told:
        capsys.readouterr()
        code = command()
        printed = capsys.readouterr()
        assert code == 0, printed.err
        found: Told = json.loads(printed.out)
        return found

    return call


def send(kafka: KafkaSettings, first: int, days_ago: tuple[int, ...]) -> None:
    now_ms, sender = time.time_ns() // 1_000_000, clients.producer(kafka)
    feed = ImportSettings().imports.feed("0123456789ab")
    for number, days in enumerate(days_ago, first):
        one = session_with(
            VIEWED,
            session_id=f"s{number}",
            user_id=f"u{number % 2}",
            feed=feed,
            event_time_ms=now_ms - days * DAY_MS,
            reviews=[Review(product_id="p", rating=5, text="good", sentiment="positive")],
        )
        sender.produce(clients.name(kafka, topics.RAW), msgspec.json.encode(sent(one)), b"u")
    assert sender.flush(HUNG_S) == 0


def known_as(number: int) -> str:
    """The pseudonym of a session that `send` has sent."""
    return PSEUDONYMS.both(f"u{number % 2}", f"s{number}")[1]


def amounts(report: Told) -> dict[str, int]:
    return {one["place"]: one["amount"] for one in report["places"] if one["amount"]}


def reconciled() -> int:
    return reconcile_command.run(as_json=True, timeout_s=HUNG_S)


def test_what_has_expired_is_gone_and_the_stores_agree_before_and_after(
    pipeline: Pipeline,
    stages: Stages,
    kafka: KafkaSettings,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
    told: Callable[[Callable[[], int]], Told],
) -> None:
    for stage in ("gate", "store", "index"):
        stages.start(stage)
    send(kafka, 0, DAYS_AGO)
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    before = told(reconciled)
    assert (before["mongodb"], before["expired"]["sessions"]) == (len(DAYS_AGO), 0)

    due = told(lambda: retention_command.carry_out(dry_run=True, as_json=True))
    per_window = before["elasticsearch"][topics.PRODUCT_ACTIVITY] // len(set(DAYS_AGO))
    assert amounts(due) == {
        "sessions": 4,
        topics.SESSION_SUMMARIES: 4,
        topics.PRODUCT_SENTIMENT: 4,
        topics.PRODUCT_ACTIVITY: per_window,
    }
    assert told(reconciled)["digests"] == before["digests"]
    done = told(lambda: retention_command.carry_out(dry_run=False, as_json=True))
    assert amounts(done) == amounts(due)

    after = told(reconciled)
    assert after["valid"] == len(DAYS_AGO)
    assert (after["mongodb"], after["expired"]["sessions"]) == (2, 4)
    assert after["elasticsearch"][topics.SESSION_SUMMARIES] == 2
    kept_without_sessions = Counter({topics.PRODUCT_ACTIVITY: 2 * per_window})
    assert after["expired"]["documents"] == dict(kept_without_sessions)
    assert {document["_id"] for document in MongoSessions(mongo).scan()} == {known_as(0), known_as(1)}
    assert told(lambda: recompute.run(True, HUNG_S))["expired"] == 2 * per_window

    # An import of old sessions: stored, expired for whoever compares, and deleted by the next run.
    send(kafka, len(DAYS_AGO), (500, 3))
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    late = told(reconciled)
    assert (late["mongodb"], late["expired"]["sessions"]) == (3, 5)
    assert late["expired"]["documents"]["mongodb"] == 1
    assert amounts(told(lambda: retention_command.carry_out(dry_run=False, as_json=True)))["sessions"] == 1
    again = told(reconciled)
    assert again["mongodb"] == 3
    assert "mongodb" not in again["expired"]["documents"]
    assert amounts(told(lambda: retention_command.carry_out(dry_run=False, as_json=True))) == {}
    held = ElasticsearchIndex(elasticsearch)
    held.refresh(topics.SESSION_SUMMARIES)
    assert {id_ for id_, _ in held.scan(topics.SESSION_SUMMARIES)} == {
        known_as(number) for number in (0, 1, 7)
    }
