"""`./vitrine rejected --out` writes what senders sent: who did that is recorded first."""

import json
from pathlib import Path

import pytest

from streaming.kafka import clients
from streaming.process.exit_code import ExitCode
from streaming.replay import log
from streaming.replay import rejected_command as rejected
from streaming.replay.history import History


@pytest.fixture(autouse=True)
def nothing_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(clients, "require", lambda settings: None)
    monkeypatch.setattr(log, "history", lambda settings: History([], {}))
    monkeypatch.setattr(log, "rejections", lambda settings, window: iter([]))


def test_an_export_leaves_an_entry(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert rejected.run("not_json", None, None, out=out, why="to correct them") == ExitCode.DONE
    assert out.exists()
    [file] = (tmp_path / "data").glob("accesses/*.jsonl")
    entry = json.loads(file.read_text())
    assert (entry["did"], entry["why"]) == ("export", "to correct them")
    assert entry["who"].startswith("os:")
    assert "not_json" in entry["what"]
    assert "out.jsonl" in entry["what"]
    assert rejected.run(None, None, None, count=True) == ExitCode.DONE
    assert len(file.read_text().splitlines()) == 1, "counting writes out nothing"


def test_without_a_record_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "accesses").write_text("no folder")
    out = tmp_path / "out.jsonl"
    assert rejected.run(None, None, None, out=out) != ExitCode.DONE
    assert not out.exists()
