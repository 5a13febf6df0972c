"""The command line: it can be read before anything is installed, and it teaches."""

import subprocess
import sys
from pathlib import Path

import pytest

from stack import commands
from stack.layout import HERE
from streaming.process.exit_code import ExitCode

NAMES = [command.name for command in commands.COMMANDS]


def test_help_needs_nothing_but_python() -> None:
    """-S: no site-packages, no environment; a module from outside the standard library would fail."""
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
        "retention",
        "purge",
        "rejected",
        "replay",
        "resummarise",
        "torture",
        "evaluate",
        "bench",
        "test",
        "generate",
        "environment",
    ):
        assert f"\n    {command}" in told
    assert "exit codes:" in told
    assert all(f"\n  {code.value:<3}  " in told for code in ExitCode)


def test_each_command_is_in_the_table_once() -> None:
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("command", commands.COMMANDS, ids=NAMES)
def test_everything_named_in_the_table_exists(
    command: commands.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(commands.named(command.run))
    with pytest.raises(SystemExit) as ended:
        commands.parse([command.name, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: ./vitrine {command.name}")
    assert "--json" in told
    assert not command.details or commands.named(command.details).strip() in told


def test_the_handler_gets_the_arguments_and_returns_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "texts"
    file.write_text("a lovely chair\n")
    arguments = commands.parse(["sentiment", str(file)])
    assert arguments.command(arguments) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("positive")


@pytest.mark.parametrize(
    "line",
    [
        ["test", "speed"],
        ["test", "speed", "--", "-x"],
        ["test", "-x"],
        ["bench", "all"],
        ["ingest", "f", "--set", "device"],
        ["simulate", "--sessions", "-5"],
        ["simulate", "--rate", "0"],
        ["reconcile", "--timeout", "nan"],
        ["replay"],
        ["replay", "f.jsonl", "--reason", "not_json"],
        ["logs", "gate", "--lines", "-3"],
        ["generate", "everything"],
        [],
    ],
)
def test_a_wrong_line_is_refused_with_2(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.parse(line)
    assert ended.value.code == ExitCode.INVALID_REQUEST
    assert "usage:" in capsys.readouterr().err


def test_fields_that_a_file_lacks_can_be_set() -> None:
    line = ["ingest", "a.csv.gz", "--set", "deviceType=desktop", "--set", "referrer=a=b"]
    arguments = commands.parse(line)
    assert dict(arguments.assigned) == {"deviceType": "desktop", "referrer": "a=b"}
    assert arguments.file == Path("a.csv.gz")


def test_arguments_after_two_dashes_go_to_pytest() -> None:
    arguments = commands.parse(["test", "unit", "--json", "--", "-k", "late", "--", "x"])
    assert (arguments.kinds, arguments.json) == (["unit"], True)
    assert arguments.pytest == ["-k", "late", "--", "x"]
    assert commands.parse(["test"]).pytest == []
    assert commands.parse(["logs", "--", "gate"]).service == "gate"
