"""Metrics of stages and monitor are right for running components, and no log contains data of a message."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from prometheus_client.parser import text_string_to_metric_families
from waiting import HUNG_S, free_port, until

from stack.components.stages import MODULES
from stack.context import this_checkout
from stack.supervisor import Supervisor
from streaming.contract import topics
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.monitor.kafka import KafkaProbe
from streaming.monitor.stores import ElasticsearchProbe, RedisProbe
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings, RedisSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.port import Write
from streaming.summaries.session import SessionSummary

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_text()
)
MARK = "zZmArKzZ"
CLOCK_S = 0.01
"""Times are rounded to milliseconds."""


class Stages:
    """Stages as processes with the settings of the test, each with metrics on its own port."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self.log = environment, log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, stage: str) -> tuple[subprocess.Popen[bytes], str]:
        """Starts a stage; returns the process and the URL of its metrics."""
        port = str(free_port())
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULES[stage]],
                env=os.environ | self._environment | {"VITRINE_METRICS_PORT": port},
                stderr=log,
            )
        self._running.append(process)
        return process, f"http://127.0.0.1:{port}/metrics"

    def kill_all(self) -> None:
        for process in self._running:
            process.kill()
            process.wait(HUNG_S)


@pytest.fixture
def stages(
    kafka: KafkaSettings, redis: RedisSettings, mongo: MongoSettings, tmp_path: Path
) -> Iterator[Stages]:
    clients.ensure_topics(kafka)
    running = Stages(
        {
            "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "VITRINE_REDIS_KEY_PREFIX": redis.key_prefix,
            "VITRINE_MONGO_DATABASE": mongo.database,
            "VITRINE_GATE_SESSION_CAPACITY": "1000",
            "VITRINE_GATE_USER_CAPACITY": "1000",
        },
        tmp_path / "stages.log",
    )
    yield running
    running.kill_all()


def send(kafka: KafkaSettings, *values: bytes, topic: str = topics.RAW) -> None:
    sender = clients.producer(kafka)
    for value in values:
        sender.produce(clients.name(kafka, topic), value, MARK.encode())
    assert sender.flush(HUNG_S) == 0


def session(number: int, **changed: Any) -> bytes:
    """A session with the mark in names, e-mail address and ids."""
    personal = dict.fromkeys(("sessionId", "userId", "name", "email"), f"{MARK}{number}@example.org")
    return json.dumps(GOLDEN | personal | {"eventTimeMs": int(time.time() * 1000)} | changed).encode()


def scraped(url: str) -> dict[tuple[str, ...], float]:
    """Samples by name and label values; none if the process does not answer."""
    try:
        text = urllib.request.urlopen(url, timeout=60).read().decode()
    except OSError:
        return {}
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Probe:
    """The probe of Kafka; tries again while the broker has no leader yet for a new topic."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._probe = KafkaProbe(kafka)

    def __call__(self) -> list[Reading]:
        return until(self._readings, "an answer about the topics")

    def _readings(self) -> list[Reading]:
        try:
            return self._probe()
        except KafkaException:
            return []


def total(readings: list[Reading], metric: object, **labels: str) -> float:
    return sum(one.value for one in readings if one.metric == metric and labels.items() <= one.labels.items())


def test_lag_outcomes_and_filters_are_those_of_what_was_sent(
    stages: Stages, kafka: KafkaSettings, redis: RedisSettings
) -> None:
    probe = Probe(kafka)
    assert total(probe(), catalogue.LAG_RECORDS) == 0
    sent = [session(number) for number in range(20)]
    before_s = time.time()
    send(kafka, *sent, sent[3], b"no json", session(99, deviceType="unknown"))
    until(lambda: time.time() > before_s + 1, "a second, which is an age to tell")
    waiting = probe()
    assert total(waiting, catalogue.LAG_RECORDS, stage="gate") == 23
    oldest_s = max(one.value for one in waiting if one.metric == catalogue.LAG_SECONDS)
    assert 0 < oldest_s < time.time() - before_s + CLOCK_S
    assert total(waiting, catalogue.END_OFFSET, topic=topics.RAW) == 23

    gate, url = stages.start("gate")
    until(lambda: scraped(url).get(("vitrine_records_total", "gate")) == 23, "23 messages decided")
    until(
        lambda: total(probe(), catalogue.LAG_RECORDS, stage="gate") == 0,
        "no lag: transactions end with markers",
    )
    assert total(probe(), catalogue.LAG_RECORDS, stage="store") > 20  # a marker for each transaction
    told = scraped(url)
    outcomes = Counter({of[1]: n for of, n in told.items() if of[0] == "vitrine_outcomes_total"})
    assert +outcomes == {"valid": 20, "duplicate": 1, "not_json": 1, "unknown_device": 1}
    assert told["vitrine_latency_seconds_count", "gate"] == 23
    assert told["vitrine_recoveries_total",] == 1

    seen = RedisProbe(redis, GateSettings())()
    assert total(seen, catalogue.DISTINCT_USERS) == 20
    assert total(seen, catalogue.FILTER_ITEMS, filter="sessions") == 20
    assert total(seen, catalogue.FILTER_CAPACITY, filter="users") >= 20

    gate.send_signal(signal.SIGTERM)  # a stage that is gone still has a lag, in records and seconds
    assert gate.wait(HUNG_S) == 0
    before_s = time.time()
    send(kafka, session(100))
    until(lambda: time.time() > before_s + 1, "a second, which is an age to tell")
    assert total(probe(), catalogue.LAG_RECORDS, stage="gate") == 1
    assert 0 < total(probe(), catalogue.LAG_SECONDS, stage="gate") < time.time() - before_s + CLOCK_S


def test_no_log_of_a_stage_contains_data_of_a_message(stages: Stages, kafka: KafkaSettings) -> None:
    broken = [
        session(1, pageViews=MARK),
        session(2, deviceType=[MARK]),
        session(3, **{MARK: MARK}),
        MARK.encode(),
    ]
    send(kafka, session(0), session(0), *broken)
    _, url = stages.start("gate")
    until(lambda: scraped(url).get(("vitrine_records_total", "gate")) == 6, "6 messages decided")
    store, url = stages.start("store")
    until(lambda: scraped(url).get(("vitrine_sessions_stored_total", "new"), 0) >= 1, "a session stored")
    # Messages that no gate writes become dead letters, and no log contains their data.
    send(kafka, json.dumps({"sessionId": MARK, "deviceType": MARK}).encode(), topic=topics.VALID)
    refused = ("vitrine_documents_refused_total", topics.VALID)
    until(lambda: scraped(url).get(refused, 0) == 1, "a message put aside")
    store.terminate()
    assert store.wait(HUNG_S) == 0
    text = stages.log.read_text()
    # librdkafka's own lines begin with a per cent sign.
    assert all(json.loads(line)["event"] for line in text.splitlines() if not line.startswith("%"))
    assert MARK not in text


def test_the_newest_searchable_session_is_the_newest(elasticsearch: ElasticsearchSettings) -> None:
    index = ElasticsearchIndex(elasticsearch)
    index.prepare(topics.SESSION_SUMMARIES, SessionSummary)
    probe = ElasticsearchProbe(elasticsearch)
    assert probe() == []
    bodies = (
        json.dumps({"sessionPseudonym": str(at), "arrivedAtMs": at}).encode() for at in (5_000, 9_000, 7_000)
    )
    index.put([Write(topics.SESSION_SUMMARIES, str(n), 1, body, "2026-11") for n, body in enumerate(bodies)])
    index.refresh(topics.SESSION_SUMMARIES)
    assert probe() == [Reading(catalogue.NEWEST_SEARCHABLE, 9.0)]


@pytest.mark.alone
def test_lag_is_seen_again_within_30_s_of_a_killed_brokers_return(
    kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Counted from the moment at which the broker answers a new client."""
    clients.ensure_topics(kafka)
    send(kafka, *(session(number) for number in range(20)))
    port = str(free_port())
    changed = {"VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix, "VITRINE_METRICS_PORT": port}
    with (tmp_path / "watch.log").open("wb") as log:
        watch = subprocess.Popen(
            [sys.executable, "-m", "streaming.monitor"], env=os.environ | changed, stderr=log
        )

    def lag() -> float | None:
        by_stage = scraped(f"http://127.0.0.1:{port}/metrics")
        found = [v for k, v in by_stage.items() if k[0] == "vitrine_lag_records" and "gate" in k]
        return sum(found) if found else None

    supervisor = Supervisor(this_checkout().layout)
    try:
        until(lambda: lag() == 20, "lag seen")
        killed = supervisor.processes()["kafka"].pid
        os.kill(killed, signal.SIGKILL)
        until(lambda: lag() is None, "a probe that is away shows no lag")
        until(lambda: answers(kafka), "the broker is back")
        back_s = time.monotonic()
        until(lambda: lag() == 20, f"lag seen again; log of the monitor: {tmp_path / 'watch.log'}")
        assert time.monotonic() - back_s < 30
        assert supervisor.processes()["kafka"].pid != killed
    finally:
        watch.terminate()
        watch.wait(60)


def answers(kafka: KafkaSettings) -> bool:
    """True if a new client gets the lag from the broker."""
    try:
        KafkaProbe(kafka)()
    except (KafkaException, TimeoutError):
        return False
    return True
