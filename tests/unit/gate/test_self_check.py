"""A release that would refuse what the contract promises to read is stopped before it reads anything."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.sessions import PSEUDONYMS

from streaming.contract import golden, horizon
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.gate import process
from streaming.gate.self_check import refused_golden_sessions
from streaming.gate.settings import GateSettings

HORIZON_MS = GateSettings().horizon_ms

BAD_RELEASE = """
import sys
from streaming.contract.rejection import Reason, Rejection
from streaming.gate import process
from streaming.gate.__main__ import main
process.parse = lambda value, arrived_at_ms: Rejection(Reason.OUT_OF_RANGE, "clicks: planted")
sys.exit(main())
"""


def test_this_release_lets_every_golden_session_through() -> None:
    assert "session_v1" in {session.name for session in golden.sessions()}
    assert refused_golden_sessions(HORIZON_MS, PSEUDONYMS) == {}


@pytest.mark.parametrize("horizon_ms", [3_600_000, HORIZON_MS])
def test_neither_the_age_of_a_golden_session_nor_the_horizon_matters(horizon_ms: int) -> None:
    assert refused_golden_sessions(horizon_ms, PSEUDONYMS) == {}


def test_a_stricter_contract_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = parse

    def stricter(value: bytes | None, arrived_at_ms: int) -> object:
        session = honest(value, arrived_at_ms)
        return Rejection(Reason.OUT_OF_RANGE, "state") if "Île" in getattr(session, "state", "") else session

    monkeypatch.setattr(process, "parse", stricter)
    assert refused_golden_sessions(HORIZON_MS, PSEUDONYMS)["session_v1"] == Rejection(
        Reason.OUT_OF_RANGE, "state"
    )


def test_a_horizon_rule_gone_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(horizon, "is_beyond", lambda session, arrived_at_ms, horizon_ms: True)
    assert refused_golden_sessions(HORIZON_MS, PSEUDONYMS)["session_v1"].reason is Reason.BEYOND_HORIZON


def test_a_package_without_its_golden_sessions_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    with pytest.raises(FileNotFoundError, match="install the package anew"):
        golden.sessions()


def test_a_bad_release_ends_with_1_before_it_asks_kafka() -> None:
    """Nothing listens where it would find Kafka: had it come that far it would say so, or wait."""
    nowhere = os.environ | {
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "VITRINE_PSEUDONYM_KEY": "k" * 20,
    }
    ran = subprocess.run(
        [sys.executable, "-c", BAD_RELEASE], env=nowhere, capture_output=True, text=True, check=False
    )
    last = json.loads(ran.stderr.splitlines()[-1])
    assert ran.returncode == 1
    assert last["event"] == "golden_sessions_refused"
    assert last["cause"]["session_v1"] == "out_of_range: clicks: planted"


@pytest.mark.parametrize("key", ["", "too short"])
def test_without_a_key_of_pseudonyms_it_ends_with_1(key: str) -> None:
    command = [sys.executable, "-m", "streaming.gate"]
    without = os.environ | {"VITRINE_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VITRINE_PSEUDONYM_KEY": key}
    ran = subprocess.run(command, env=without, capture_output=True, text=True, check=False)
    last = json.loads(ran.stderr.splitlines()[-1])
    assert ran.returncode == 1
    assert "VITRINE_PSEUDONYM_KEY" in last["cause"]
    assert "too short" not in ran.stderr
