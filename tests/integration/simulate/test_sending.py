"""Simulated traffic in a real topic: it contains every counted message, and runs do not overlap in time."""

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from streaming.contract import topics
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.kafka.clients import read_all
from streaming.settings import KafkaSettings
from streaming.simulate.command import run


@pytest.fixture
def here(kafka: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """The command reads its settings from the environment."""
    monkeypatch.setenv("VITRINE_KAFKA_TOPIC_PREFIX", kafka.topic_prefix)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    return kafka


def raw_values(kafka: KafkaSettings) -> Counter[bytes]:
    return Counter(message.value() or b"" for message in read_all(kafka, topics.RAW))


def test_every_message_counted_as_sent_is_in_the_topic(
    here: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(400, 5, None, as_json=True) == 0
    first = json.loads(capsys.readouterr().out)
    values = raw_values(here)
    assert first["sent"] == values.total() == sum(first.values()) - first["sent"]
    assert first["duplicate"] == values.total() - len(values)

    assert run(400, 5, None, as_json=True) == 0
    second = Counter(raw_values(here))
    second.subtract(values)
    assert not set(+second) & set(values), "a second run sends other sessions"


def test_a_steady_rate_is_kept_and_event_time_is_real_time(
    here: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    began_ms = time.time_ns() // 1_000_000
    assert run(100, 5, 50.0, as_json=True) == 0
    ended_ms = time.time_ns() // 1_000_000
    assert ended_ms - began_ms > 1_900
    for message in read_all(here, topics.RAW):
        arrived_at_ms = message.timestamp()[1]
        session = parse(message.value(), arrived_at_ms)
        if isinstance(session, Session) and arrived_at_ms - session.event_time_ms < 3_600_000:
            assert began_ms <= session.event_time_ms <= arrived_at_ms <= ended_ms


def test_without_kafka_the_command_reports_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    assert run(10, 5, None, as_json=True) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "127.0.0.1:1" in captured.err
    assert "./vitrine status" in captured.err
