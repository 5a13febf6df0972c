"""The report that analysts read in a task's log names no session."""

import pytest

from streaming.process.exit_code import ExitCode
from streaming.reconcile import command
from streaming.reconcile.labelled import labelled
from streaming.reconcile.report import Corrections, Discrepancy, DistinctUsers, Report

SECRET = "SECRET-session"
BREAKS = [
    Discrepancy("mongodb", "is missing", session=SECRET, raw="0:7"),
    Discrepancy("product_sentiment", "is missing", session=SECRET, document=f"{SECRET}:2", raw="0:7"),
    Discrepancy("product_activity", "is wrong", document="product:p1:0"),
    Discrepancy("raw", "has an outcome, but is not there", raw="0:9"),
]


def test_ids_are_replaced_and_positions_kept() -> None:
    text = "\n".join(map(str, labelled(_report(), lambda id_: "session-of-today").breaks))
    assert SECRET not in text
    assert "session session-of-today, raw record 0:7 is missing" in text
    assert "document session-of-today:2" in text
    assert "document product:p1:0" in text


def test_neither_the_json_nor_the_remarks_name_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "reconcile", lambda *_: _report())
    assert command.run_with(lambda id_: "session-of-today", True, 0, None, None) == ExitCode.NOT_SO
    printed = "".join(capsys.readouterr())
    assert SECRET not in printed
    assert "session-of-today" in printed


def _report() -> Report:
    nothing: dict[str, int] = {}
    return Report(
        holds=False,
        sent=1,
        valid=1,
        duplicate=0,
        rejected=nothing,
        late=0,
        partitions={},
        stages={},
        corrections=Corrections(corrected=0, rejected_again=0, open=nothing),
        mongodb=1,
        elasticsearch=nothing,
        digests={},
        distinct_users=DistinctUsers(exact=1, estimate=1),
        breaks_in_all=len(BREAKS),
        breaks=BREAKS,
    )
