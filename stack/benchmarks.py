"""`./vitrine bench NAME`: each benchmark is a module of its own that prints one JSON object."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stack import lifecycle, services, status
from stack.components import flink
from stack.context import this_checkout
from stack.layout import HERE
from stack.progress import Progress
from stack.service import StackContext, StackError
from stack.supervisor import Supervisor
from streaming.process.exit_code import InvalidRequest

PIPELINE = ("gate", "flink", "indexer")
# The services that each runs on; () is all. What is not named here needs none.
NEEDS: dict[str, tuple[str, ...]] = {
    "pipeline": (),
    "gate": ("kafka", "redis"),
    "flink": ("kafka", "flink-taskmanager"),
    "indexer": ("kafka", "elasticsearch"),
    "soak": ("kafka", "redis"),
    "budget": ("mongodb",),
}
_ON_A_FILE = ("accuracy",)


def run(name: str, minutes: float, file: Path | None = None) -> dict[str, Any]:
    """Runs the benchmark on the services it needs; those that did not run before are stopped again.
    Returns its object. `minutes`: how long the soak goes on. Raises InvalidRequest where a FILE is
    missing or too many, StackError if it cannot be carried through."""
    if (file is None) == (name in _ON_A_FILE):
        raise InvalidRequest(f"bench {name} wants {'a' if file is None else 'no'} FILE")
    more = ["--minutes", str(minutes)] if name == "soak" else [str(file)] if file else []
    if name not in NEEDS:
        return _one(name, more)
    was_up = Supervisor(HERE).running()
    try:
        with Progress() as progress:
            lifecycle.bring_up(NEEDS[name], progress.tell)
        place = this_checkout()
        os.environ.update(flink.variables(place))
        return _pipeline(place) if name == "pipeline" else _one(name, more)
    finally:
        if not was_up:
            lifecycle.take_down(this_checkout(), lambda name, state: None)


def _pipeline(place: StackContext) -> dict[str, Any]:
    found: dict[str, Any] = {bench: _one(bench) for bench in PIPELINE}
    rows = status.rows(place, services.services(place))
    found["resident_bytes"] = sum(row.resident_bytes for row in rows)
    found["resident_bytes_by_service"] = {row.name: row.resident_bytes for row in rows}
    return found


def _one(name: str, more: Sequence[str] = ()) -> dict[str, Any]:
    """The object that one benchmark prints last. Raises StackError if it fails."""
    module = f"lab.benchmarks.{name}"
    command = [sys.executable, "-m", module, *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StackError(f"the benchmark {name} failed with exit code {done.returncode}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
