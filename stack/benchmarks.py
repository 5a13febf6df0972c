"""`./vitrine bench NAME`: runs a benchmark, a module in lab/benchmarks that prints one JSON object."""

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
# The services that each benchmark needs; () means all. A benchmark not listed here needs none.
NEEDS: dict[str, tuple[str, ...]] = {
    "pipeline": (),
    "gate": ("kafka", "redis"),
    "flink": ("kafka", "flink-taskmanager"),
    "job_state": ("kafka", "flink-taskmanager"),
    "indexer": ("kafka", "elasticsearch"),
    "soak": ("kafka", "redis"),
    "budget": ("mongodb",),
}
_ON_A_FILE = ("accuracy",)


def run(name: str, minutes: float, file: Path | None = None) -> dict[str, Any]:
    """Starts the services that the benchmark needs, runs it and returns its object. If the stack was not
    running, it is stopped again. `minutes`: how long soak runs. Raises InvalidRequest if FILE is missing or
    not expected, StackError if the benchmark fails."""
    if (file is None) == (name in _ON_A_FILE):
        raise InvalidRequest(f"bench {name} {'needs a' if file is None else 'takes no'} FILE")
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
    """Runs one benchmark and returns the object it printed last. Raises StackError if it fails."""
    module = f"lab.benchmarks.{name}"
    command = [sys.executable, "-m", module, *more]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise StackError(f"the benchmark {name} failed with exit code {done.returncode}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
