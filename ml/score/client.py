"""Scores a session from another Python environment, by running a process in the main environment. No client
library is needed."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streaming.process.exit_code import ExitCode

PYTHON_VARIABLE = "VITRINE_MAIN_PYTHON"
_TIMEOUT_S = 300
"""Usually it takes seconds; longer on a machine that trains at the same time."""
_REASONS = 12


class NotScored(Exception):
    """There is no score; the message says why and contains no personal data."""


def models(folder: Path) -> dict[str, list[str]]:
    """Returns the runs in `folder` with their models, newest first."""
    runs = sorted(folder.glob("*/metrics.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return {
        path.parent.name: sorted(found.parent.name for found in path.parent.glob("*/statement.json"))
        for path in runs
    }


def as_stored(session: Mapping[str, Any]) -> bytes:
    """Returns a stored document as JSON, without msgspec: MongoDB's integers are subclasses of int."""
    return json.dumps(session).encode()


def score_by_process(session: Mapping[str, Any], run: str, model: str) -> dict[str, Any]:
    """Returns the object of `./vitrine score --json` for one stored session. The session is passed on
    standard input, because everyone on the machine can see arguments. Raises NotScored."""
    command = [os.environ[PYTHON_VARIABLE], "-m", "ml.score", "-", "--json", "--reasons", str(_REASONS)]
    try:
        done = subprocess.run(
            [*command, f"--run={run}", f"--model={model}"],
            input=as_stored(session), capture_output=True, timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise NotScored(f"no score within {_TIMEOUT_S} s") from None
    if done.returncode in (ExitCode.INVALID_REQUEST, ExitCode.UNAVAILABLE):  # standard error has the reason
        raise NotScored(done.stderr.decode().strip().splitlines()[-1].removeprefix("vitrine: "))
    if not done.stdout:
        raise NotScored(f"the scoring process failed with exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
