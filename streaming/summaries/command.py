"""`./vitrine sentiment FILE`: classifies texts, one per line, with the code that the Flink job runs."""

import argparse
import json
from functools import partial
from pathlib import Path

from streaming.command_failure import carried_out
from streaming.process.exit_code import ExitCode, InvalidRequest
from streaming.summaries.sentiment import classify


def run(path: Path, as_json: bool) -> int:
    """Prints [{"sentiment", "score"}] for the lines of `path` (UTF-8); without `as_json` as one line each.
    Returns an ExitCode."""
    return carried_out(partial(_classify, path, as_json))


def from_command_line(arguments: argparse.Namespace) -> int:
    """Runs the command with parsed arguments. Returns its exit code."""
    return run(arguments.file, arguments.json)


def _classify(path: Path, as_json: bool) -> int:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"cannot read {path}: {error}") from error
    if lines[-1] == "":
        lines.pop()
    classified = [classify(line) for line in lines]
    if as_json:
        print(json.dumps([{"sentiment": sentiment, "score": score} for sentiment, score in classified]))
    else:
        for sentiment, score in classified:
            print(f"{sentiment}\t{score}")
    return ExitCode.DONE
