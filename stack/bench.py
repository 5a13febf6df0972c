"""`./vitrine bench NAME`: each benchmark is a module of its own that prints one JSON object."""

import json
import subprocess
import sys
from typing import Any

from stack import declared, status
from stack.service import Place, StackError

PIPELINE = ("gate", "flink", "indexer")


def run(place: Place, name: str) -> int:
    """Runs the benchmark and prints its object; exits 1 if one of them could not be carried through."""
    if name == "pipeline":
        found: dict[str, Any] = {bench: _one(bench) for bench in PIPELINE}
        rows = status.rows(place, declared.services(place))
        found["resident_bytes"] = sum(row.resident_bytes for row in rows)
        found["resident_bytes_by_service"] = {row.name: row.resident_bytes for row in rows}
    else:
        found = _one(name)
    json.dump(found, sys.stdout, ensure_ascii=False)
    sys.stdout.write("\n")
    return 0


def _one(name: str) -> dict[str, Any]:
    """The object that one benchmark prints last. Raises StackError if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", f"streaming.bench.{name}"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise StackError(f"the benchmark {name} failed with exit code {done.returncode}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
