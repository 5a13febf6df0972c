"""The last verdict of reconcile is written to a file for the monitor."""

from pathlib import Path

import pytest

from streaming.process.exit_code import ExitCode
from streaming.reconcile import last_verdict


def name_of_last() -> str | None:
    last = last_verdict.last()
    return last.verdict if last else None


def test_a_verdict_is_written_and_the_exit_code_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    assert last_verdict.last() is None
    for code, name in (
        (ExitCode.DONE, "holds"),
        (ExitCode.UNAVAILABLE, "unknown"),
        (ExitCode.NOT_SO, "broken"),
    ):
        assert last_verdict.keep(code, whole=True) == code
        assert name_of_last() == name


def test_a_period_that_agrees_does_not_replace_an_earlier_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path))
    last_verdict.keep(ExitCode.DONE, whole=True)
    assert last_verdict.keep(ExitCode.INVALID_REQUEST, whole=True) == ExitCode.INVALID_REQUEST
    last_verdict.keep(ExitCode.UNAVAILABLE, whole=False)
    assert name_of_last() == "holds"
    last_verdict.keep(ExitCode.NOT_SO, whole=False)
    last_verdict.keep(ExitCode.DONE, whole=False)
    assert name_of_last() == "broken"
