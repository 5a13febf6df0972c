"""What `./vitrine reconcile` prints of a report that does not hold."""

import json

import pytest
from rich.console import Console

from streaming.contract.period import Window
from streaming.process.exit_code import ExitCode
from streaming.reconcile import command
from streaming.reconcile.report import Break, Corrections, DistinctUsers, Report


def test_the_session_is_named_whatever_its_id_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = Report(
        holds=False,
        sent=1,
        valid=1,
        duplicate=0,
        rejected={},
        late=0,
        partitions={},
        stages={},
        corrections=Corrections(corrected=0, rejected_again=0, open={}),
        mongodb=0,
        elasticsearch={},
        digests={},
        distinct_users=DistinctUsers(exact=1, estimate=1),
        breaks_in_all=1,
        breaks=[Break("mongodb", "is missing", session="[red][/nothing]")],
    )

    def made(timeout_s: float, console: Console, asked: Window | None) -> Report:
        return report

    monkeypatch.setattr(command, "reconcile", made)
    assert command.run(as_json=True, timeout_s=1) == ExitCode.NOT_SO
    told = capsys.readouterr()
    assert json.loads(told.out)["breaks"][0]["session"] == "[red][/nothing]"
    assert "session [red][/nothing] is missing" in told.err
