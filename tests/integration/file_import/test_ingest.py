"""Files through the real gate: the outcomes counted are those in the topics."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.records import text_headers
from support.sessions import PSEUDONYMS
from waiting import HUNG_S

from streaming.contract import topics, valid_session
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.file_import.command import run
from streaming.file_import.shop_events import COLUMNS
from streaming.kafka.clients import producer, read_all
from streaming.settings import KafkaSettings, RedisSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

KNOWN = {"deviceType": "desktop", "referrer": "Direct"}


@pytest.fixture
def here(
    kafka: KafkaSettings, redis: RedisSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> KafkaSettings:
    """Commands and gates of this test read their settings from the environment."""
    monkeypatch.setenv("VITRINE_KAFKA_TOPIC_PREFIX", kafka.topic_prefix)
    monkeypatch.setenv("VITRINE_REDIS_KEY_PREFIX", redis.key_prefix)
    monkeypatch.setenv("VITRINE_GATE_SESSION_CAPACITY", "10000")
    monkeypatch.setenv("VITRINE_GATE_USER_CAPACITY", "10000")
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("VITRINE_INGEST_PATIENCE_S", str(HUNG_S))
    return kafka


@pytest.fixture
def gate(here: KafkaSettings) -> Iterator[KafkaSettings]:
    """A gate process; pytest shows its log if a test fails."""
    process = subprocess.Popen([sys.executable, "-m", "streaming.gate"], env=os.environ)
    try:
        yield here
        assert process.poll() is None, "the gate died"
    finally:
        process.terminate()
        process.wait(HUNG_S)


def ingested(path: Path, capsys: pytest.CaptureFixture[str], **assigned: str) -> dict[str, Any]:
    assert run(path, assigned, as_json=True) == 0, capsys.readouterr().err
    outcome: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert list(outcome) == ["events", "sessions", "accepted", "rejected"]
    assert outcome["sessions"] == outcome["accepted"] + sum(outcome["rejected"].values())
    return outcome


def rejected(kafka: KafkaSettings) -> Counter[str]:
    found: Counter[str] = Counter()
    for message in read_all(kafka, topics.REJECTED):
        found[text_headers(message.headers())[topics.HEADER_REASON]] += 1
    return found


def csv_gz(path: Path, rows: list[str]) -> Path:
    path.write_bytes(
        gzip.compress("\r\n".join([",".join(COLUMNS), *rows]).encode("utf-8", "surrogateescape"))
    )
    return path


def row(second: int, kind: str, product: str, price: str, user: str, session: str) -> str:
    return f"2019-11-01 00:00:{second:02d} UTC,{kind},{product},205,a.b,acme,{price},{user},{session}"


ROWS = [
    row(1, "view", "10", "5.5", "u1", "one"),
    row(2, "view", "11", "7", "u2", "two"),
    row(3, "purchase", "10", "5.5", "u1", "one"),
    row(4, "view", "12", "1", "u3", "shared"),
    row(5, "cart", "12", "1", "u4", "shared"),
    row(6, "view", "12", "-1", "u5", "negative"),
    row(7, "view", "12", "1", "u6", ""),
    row(8, "view", "12", "1", "u7", ""),
    row(9, "wishlist", "12", "1", "u8", "wish"),
    "yesterday,view,12,205,a.b,acme,1,u9,timeless",
    "cut off,view",
    "2019-11-01 00:00:00 UTC,view,12,205,a.b,\udcff,1,u9,bytes",
]


def test_a_shop_export(gate: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_gz(tmp_path / "2019-Nov.csv.gz", ROWS)
    # Live traffic of today comes first: the old export must not be late against it.
    live = producer(gate)
    an_hour_ago_ms = time.time_ns() // 1_000_000 - 3_600_000
    now = TrafficSettings(
        sessions=50,
        users=20,
        start_ms=an_hour_ago_ms,
        span_s=3_600,
        late_rate=0,
        duplicate_rate=0,
        broken_rate=0,
    )
    for message in traffic(now):
        live.produce(gate.topic_prefix + topics.RAW, message.value, message.key)
    assert live.flush(HUNG_S) == 0

    wrong = {"negative": 1, "not_json": 1, "not_utf8": 1, "out_of_range": 2, "wrong_type": 2}
    assert ingested(path, capsys, **KNOWN) == {"events": 12, "sessions": 11, "accepted": 4, "rejected": wrong}
    sessions = [
        valid_session.decode_stored(message.value() or b"", PSEUDONYMS)
        for message in read_all(gate, topics.VALID)
    ]
    imported = {
        session.identity.session_id: session
        for session in sessions
        if isinstance(session, valid_session.StoredSession) and session.feed != "live"
    }
    assert set(imported) == {"one", "two", "shared-u3", "shared-u4"}
    assert not any(session.late for session in imported.values())
    assert imported["one"].actions == ["view", "purchase"]
    assert imported["one"].amount_spent == 5.5
    assert imported["one"].session_duration == 2.0

    again = ingested(path, capsys, **KNOWN)
    assert again == {"events": 12, "sessions": 11, "accepted": 0, "rejected": {"duplicate": 4} | wrong}
    total = rejected(gate)
    assert total["duplicate"] == 4
    assert {reason: total[reason] for reason in wrong} == {reason: 2 * n for reason, n in wrong.items()}


def test_fields_that_the_source_lacks_can_be_set(
    gate: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv_gz(tmp_path / "events.csv.gz", ROWS[:3])
    assert ingested(path, capsys)["rejected"] == {"unknown_device": 2}
    assert ingested(path, capsys, deviceType="desktop")["rejected"] == {"unknown_referrer": 2}
    assert ingested(path, capsys, **KNOWN)["accepted"] == 2


def test_json_lines(gate: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    messages = list(traffic(TrafficSettings(sessions=600, users=100, broken_rate=0.05)))
    kinds = Counter(message.kind for message in messages)
    lines = [message.value for message in messages]
    # Beyond the horizon, had they come live; in an import age is no fault.
    now_ms = time.time_ns() // 1_000_000
    broken = [message.value for message in messages if message.kind == "broken"]
    old = sum(isinstance(parse(value, now_ms), Session) for value in broken)
    assert old
    too_large = [b'{"name":"' + b"x" * 1_500_000 + b'"}', b'{"name":"' + b"x" * 3_000_000 + b'"}']
    path = tmp_path / "sessions.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join([*lines[:100], *too_large, *lines[100:]]), 1))

    outcome = ingested(path, capsys)
    assert outcome["events"] == outcome["sessions"] == len(lines) + 2
    assert outcome["accepted"] == kinds["valid"] + kinds["late"] + old
    assert outcome["rejected"]["duplicate"] == kinds["duplicate"]
    assert outcome["rejected"]["too_large"] == 2
    assert outcome["rejected"]["unknown_device"] == kinds["unknown_device"]
    sessions = [
        valid_session.decode_stored(message.value() or b"", PSEUDONYMS)
        for message in read_all(gate, topics.VALID)
    ]
    assert len({session.feed for session in sessions}) == 1
    assert not any(session.late for session in sessions)

    again = ingested(path, capsys, **KNOWN)
    assert again["rejected"]["duplicate"] == kinds["valid"] + kinds["late"] + kinds["duplicate"] + old
    without_device = outcome["rejected"]["missing_field"]
    assert again["accepted"] == kinds["unknown_device"] + kinds["unknown_referrer"] + without_device


@pytest.mark.parametrize(
    ("name", "content", "assigned", "said"),
    [
        ("missing.csv", None, {}, "No such file"),
        ("empty.csv", b"", {}, "is empty"),
        ("other.csv", b"a,b\n1,2\n", {}, "lacks event_time"),
        ("fine.csv", ",".join(COLUMNS).encode(), {"clicks": "3"}, "These can be: gender, deviceType"),
    ],
)
def test_a_file_that_cannot_be_imported(
    here: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    name: str, content: bytes | None, assigned: dict[str, str], said: str,
) -> None:  # fmt: skip
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert run(path, assigned, as_json=True) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err


def test_a_header_alone_is_an_import_of_nothing(
    here: KafkaSettings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nothing = {"events": 0, "sessions": 0, "accepted": 0, "rejected": {}}
    assert ingested(csv_gz(tmp_path / "header.csv.gz", []), capsys) == nothing


def test_without_a_gate_the_command_reports_it(
    here: KafkaSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_INGEST_PATIENCE_S", "0.5")
    assert run(csv_gz(tmp_path / "events.csv.gz", ROWS[:3]), KNOWN, as_json=True) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2 of 2 messages have no outcome" in captured.err
    assert "./vitrine status" in captured.err
