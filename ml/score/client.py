"""Asking for a score out of another environment: one process in the models' own. No client library here."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streaming.process.exit_code import ExitCode

PYTHON_VARIABLE = "VITRINE_MAIN_PYTHON"
_TIMEOUT_S = 300
"""Seconds are usual; a machine that trains beside it takes its time."""
_REASONS = 12


class NotScored(Exception):
    """There is no answer; the message says why and names nobody."""


def models(folder: Path) -> dict[str, list[str]]:
    """The runs in `folder` with their models, newest first."""
    runs = sorted(folder.glob("*/metrics.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return {
        path.parent.name: sorted(found.parent.name for found in path.parent.glob("*/statement.json"))
        for path in runs
    }


def as_stored(session: Mapping[str, Any]) -> bytes:
    """A document as JSON; MongoDB's whole numbers are of types that are more than int."""
    return json.dumps(session).encode()


def score_by_process(session: Mapping[str, Any], run: str, model: str) -> dict[str, Any]:
    """What `./vitrine score --json` says of one stored session. It goes by standard input: arguments can be
    seen by everyone on the machine. Raises NotScored."""
    command = [os.environ[PYTHON_VARIABLE], "-m", "ml.score", "-", "--json", "--reasons", str(_REASONS)]
    try:
        done = subprocess.run(
            [*command, f"--run={run}", f"--model={model}"],
            input=as_stored(session), capture_output=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotScored(f"no score within {_TIMEOUT_S} s") from None
    if done.returncode in (ExitCode.INVALID_REQUEST, ExitCode.UNAVAILABLE):  # in words, on standard error
        raise NotScored(done.stderr.decode().strip().splitlines()[-1].removeprefix("vitrine: "))
    if not done.stdout:
        raise NotScored(f"the models' environment failed with exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
