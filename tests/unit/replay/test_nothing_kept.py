"""Without consent nothing is kept: a message is counted and listed, but neither written out nor sent on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streaming.contract.correction import digest
from streaming.contract.log_position import LogPosition
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode
from streaming.replay import command as replay
from streaming.replay import log, rejected_command
from streaming.replay.history import Attempt, History, Rejected

DROPPED, BROKEN, AGAIN = LogPosition(0, 3), LogPosition(0, 4), LogPosition(0, 5)
LOG = [
    Rejected(DROPPED, "no_consent", "refused", 5, b"0", None),
    Rejected(BROKEN, "not_json", "$", 6, b"k", b"{"),
]


@pytest.fixture(autouse=True)
def two_rejections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def found(*_: object) -> Iterator[Rejected]:
        return iter(LOG)

    def history(*_: object) -> History:
        return History([], {0: 9})

    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(clients, "require", lambda settings: None)
    monkeypatch.setattr(log, "history", history)
    monkeypatch.setattr(log, "rejections", found)
    monkeypatch.setattr(log, "wait_until_decided", lambda settings, deadline_s: None)


def listed(capsys: pytest.CaptureFixture[str], reason: str | None = None) -> dict[str, Any]:
    assert rejected_command.run(reason, None, None, as_json=True) == ExitCode.DONE
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_it_is_listed_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys)["counts"] == {"open": {"not_json": 1}}
    assert listed(capsys, "no_consent")["counts"] == {"open": {"no_consent": 1}}


def test_it_is_not_written_to_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, others = tmp_path / "out.jsonl", tmp_path / "others.jsonl"
    assert rejected_command.run("no_consent", None, None, out=out) == ExitCode.INVALID_REQUEST
    assert "no content is kept" in capsys.readouterr().err
    assert not out.exists()
    assert rejected_command.run(None, None, None, everything=True, out=others) == ExitCode.DONE
    [line] = others.read_text().splitlines()
    assert json.loads(line)["position"] == str(BROKEN)


def test_nothing_of_it_is_sent_by_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.run(None, "no_consent", 1, True) == ExitCode.INVALID_REQUEST
    assert "nothing to send" in capsys.readouterr().err


def test_nor_by_its_position(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even what a shop still has of it: as a correction it would say whose the dropped message was."""
    file = tmp_path / "again.jsonl"
    file.write_text(json.dumps({"position": str(DROPPED), "value": "the shop's own copy"}))
    assert replay.run(file, None, 1, True) == ExitCode.NOT_SO
    found = json.loads(capsys.readouterr().out)
    assert (found["sent"], found["not_rejected"], found["still_rejected"]) == (0, 1, 0)


def test_a_correction_without_consent_leaves_its_root_open() -> None:
    history = History([Attempt(AGAIN, BROKEN, digest(b"refused"))], {0: 9})
    history.add_rejection(BROKEN, "not_json")
    history.add_rejection(AGAIN, "no_consent")
    assert history.state(BROKEN) == "open"
