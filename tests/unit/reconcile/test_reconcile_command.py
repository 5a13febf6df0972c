"""The output of `./vitrine reconcile` for a report with a discrepancy."""

import json

import pytest
from rich.console import Console

from streaming.contract.period import Window
from streaming.process.exit_code import ExitCode
from streaming.reconcile import command
from streaming.reconcile.report import Corrections, Discrepancy, DistinctUsers, Report


def test_the_session_is_named_even_if_its_id_contains_markup(
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
        breaks=[Discrepancy("mongodb", "is missing", session="[red][/nothing]")],
    )

    def reconciled(timeout_s: float, console: Console, window: Window | None) -> Report:
        return report

    monkeypatch.setattr(command, "reconcile", reconciled)
    assert command.run(as_json=True, timeout_s=1) == ExitCode.NOT_SO
    printed = capsys.readouterr()
    assert json.loads(printed.out)["breaks"][0]["session"] == "[red][/nothing]"
    assert "session [red][/nothing] is missing" in printed.err
