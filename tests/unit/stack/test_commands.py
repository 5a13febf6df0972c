"""The command line: it can be read before anything is installed, and it teaches."""

import subprocess
import sys
from pathlib import Path

import pytest

from stack import commands
from stack.layout import HERE
from stack.test_runner import AIRFLOW, BROWSER, imports, rooms


def test_help_needs_nothing_but_python() -> None:
    """-I and -S: no site-packages, no environment; a module from outside the standard library would fail."""
    run = [sys.executable, "-S", str(HERE.root / "vitrine"), "--help"]
    told = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    for command in (
        "demo",
        "up",
        "down",
        "status",
        "logs",
        "ingest",
        "reconcile",
        "recompute",
        "rejected",
        "replay",
        "resummarise",
        "torture",
        "evaluate",
        "bench",
        "test",
    ):
        assert f"\n    {command}" in told
    assert "exit codes:" in told


@pytest.mark.parametrize(
    "line",
    [
        ["test", "speed"],
        ["bench", "all"],
        ["ingest", "f", "--set", "device"],
        ["simulate", "--sessions", "-5"],
        ["simulate", "--rate", "0"],
        ["reconcile", "--timeout", "nan"],
        ["replay"],
        ["replay", "f.jsonl", "--reason", "not_json"],
        ["logs", "gate", "--lines", "-3"],
        [],
    ],
)
def test_a_wrong_line_is_refused_with_2(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.parser().parse_args(line)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_a_file_does_not_know_can_be_set() -> None:
    line = ["ingest", "a.csv.gz", "--set", "deviceType=desktop", "--set", "referrer=a=b"]
    arguments = commands.parser().parse_args(line)
    assert dict(arguments.assigned) == {"deviceType": "desktop", "referrer": "a=b"}
    assert arguments.file == Path("a.csv.gz")


@pytest.mark.parametrize("kind", commands.TEST_KINDS)
def test_no_test_is_left_out(kind: str) -> None:
    """What stands in no folder of its kind is in no run."""
    found = {file for room in rooms(HERE, kind) for file in room.rglob("test_*.py")}
    assert found == set((HERE.root / "tests" / kind).rglob("test_*.py"))


def test_tests_go_to_the_environment_that_they_import(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test() -> None:\n    from airflow.sdk import dag\n")
    assert imports(tmp_path, AIRFLOW)
    assert not imports(tmp_path, BROWSER)
    (tmp_path / "test_it.py").write_text("from airflowish import x\n# from airflow\n")
    assert not imports(tmp_path, AIRFLOW)
