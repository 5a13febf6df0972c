"""Rejected messages corrected and sent again: the result is the same however often, and after a kill."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.pipeline import Pipeline, Stages
from waiting import HUNG_S

from streaming.contract import topics
from streaming.reconcile.command import run as run_reconcile
from streaming.replay import command as again
from streaming.replay import rejected_command

Call = Callable[..., tuple[int, dict[str, Any]]]

KILLED_AT = 15
DYING = """
import os, signal, sys
from pathlib import Path
from streaming.file_import.sending import Sender
from streaming.replay.command import run
send = Sender.send
def send_and_wait(sender, *message):
    send(sender, *message)
    sender.flush()  # so that the broker has exactly this many when the process dies
Sender.send = send_and_wait
def die(sent):
    if sent == %d:
        os.kill(os.getpid(), signal.SIGKILL)
run(Path(sys.argv[1]), None, %d, True, die)
"""


@pytest.fixture
def call(stages: Stages, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command with the settings of the test; returns its exit code and output."""
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)

    def call(command: Callable[..., int], *arguments: Any, **more: Any) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = command(*arguments, **more)
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if printed.out else {"said": printed.err}

    return call


def rejected(call: Call, **more: Any) -> dict[str, Any]:
    code, printed = call(rejected_command.run, more.pop("reason", None), None, None, as_json=True, **more)
    assert code == 0
    return printed


def reconcile(call: Call, pipeline: Pipeline) -> dict[str, Any]:
    pipeline.summarise()
    code, report = call(run_reconcile, True, HUNG_S)
    assert (code, report["breaks"]) == (0, [])
    return report


def test_repeating_a_replay_changes_nothing(
    pipeline: Pipeline, stages: Stages, call: Call, tmp_path: Path
) -> None:
    for stage in ("gate", "store", "index"):
        stages.start(stage)
    pipeline.send(1_500)
    pipeline.drain("gate", topics.RAW)
    before = reconcile(call, pipeline)
    listed = rejected(call)
    correctable = dict(before["rejected"])
    dropped = correctable.pop("no_consent")
    assert listed["counts"] == {"open": correctable}
    assert before["corrections"] == {"corrected": 0, "rejected_again": 0, "open": correctable}
    assert len(listed["messages"]) == sum(correctable.values())

    assert len(rejected(call, reason="no_consent")["messages"]) == dropped > 10
    assert call(rejected_command.run, "no_consent", None, None, out=tmp_path / "nothing.jsonl")[0] == 2
    assert call(again.run, None, "no_consent", HUNG_S, True)[0] == 2
    position = rejected(call, reason="no_consent")["messages"][0]["position"]
    resent = tmp_path / "resent.jsonl"
    resent.write_text(json.dumps({"position": position, "value": "what the shop still has"}))
    code, replayed = call(again.run, resent, None, HUNG_S, True)
    assert (code, replayed["sent"], replayed["not_rejected"]) == (1, 0, 1)

    original, corrected = tmp_path / "rejected.jsonl", tmp_path / "corrected.jsonl"
    rejected(call, reason="unknown_device", out=original)
    assert stat.S_IMODE(original.stat().st_mode) == 0o600
    assert (
        call(rejected_command.run, None, None, None, out=original)[0] == 2
    )  # never overwrites a file that may have been corrected
    lines = [json.loads(line) for line in original.read_text().splitlines()]
    count = len(lines)
    assert count == before["rejected"]["unknown_device"] > KILLED_AT + 5
    for line in lines:
        line["value"] = json.loads(line["value"]) | {"deviceType": "desktop"}
    corrected.write_text("".join(json.dumps(line) + "\n" for line in lines))

    # Uncorrected they are rejected again, belong to the messages they should correct, and are not sent twice.
    for sent in (count, 0):
        code, replayed = call(again.run, None, "unknown_device", HUNG_S, True)
        assert (code, replayed["sent"], replayed["still_rejected"]) == (1, sent, count)
    report = reconcile(call, pipeline)
    assert report["corrections"] == {
        "corrected": 0, "rejected_again": count, "open": before["corrections"]["open"]
    }  # fmt: skip
    assert report["digests"] == before["digests"]

    # Killed in the middle, then run to the end, then once more.
    dying = subprocess.run(
        [sys.executable, "-c", DYING % (KILLED_AT, HUNG_S), str(corrected)],
        env={**os.environ, **stages.environment},
        check=False,
    )
    assert dying.returncode == -signal.SIGKILL
    code, replayed = call(again.run, corrected, None, HUNG_S, True)
    assert (code, replayed["corrected"]) == (0, count)
    assert (replayed["already_sent"], replayed["sent"]) == (KILLED_AT, count - KILLED_AT)
    after = reconcile(call, pipeline)
    assert after["valid"] == before["valid"] + count == after["mongodb"]
    assert after["duplicate"] == before["duplicate"]
    assert after["corrections"]["corrected"] == count
    assert "unknown_device" not in after["corrections"]["open"]
    assert {s.identity.session_id for s in pipeline.valid()} >= {line["value"]["sessionId"] for line in lines}
    for _ in range(2):
        assert call(again.run, corrected, None, HUNG_S, True)[1] | {"sent": 0} == {
            "sent": 0, "already_sent": count, "already_corrected": 0, "not_rejected": 0, "erased": 0,
            "corrected": count, "still_rejected": 0,
        }  # fmt: skip
    assert reconcile(call, pipeline) == after

    # A later correction of the same messages is not sent; a file with two for one message is refused.
    for line in lines:
        line["value"]["sessionId"] += "-other"
    other = tmp_path / "other.jsonl"
    other.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, replayed = call(again.run, other, None, HUNG_S, True)
    assert (code, replayed["sent"], replayed["already_corrected"]) == (0, 0, count)
    other.write_text(other.read_text() + corrected.read_text())
    code, replayed = call(again.run, other, None, HUNG_S, True)
    assert code == 2
    assert "two different corrections" in replayed["said"]
    assert reconcile(call, pipeline) == after
    counted = rejected(call, count=True)
    assert counted["counts"]["corrected"] == {"unknown_device": count}
    assert counted["counts"]["open"] == after["corrections"]["open"]
    assert "messages" not in counted
