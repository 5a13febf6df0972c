"""Time and memory of training by number of rows: `./vitrine bench training`.

Prints {"sizes": [{"rows", "units", "made_seconds", "peak_rss_bytes", "models": {name: {"seconds",
"microseconds_a_row"}}}], "growth": {name: ratio}}. Rows are simulated sessions, the unit is one user. Each
size runs in a separate process, whose peak memory includes making the rows. `growth` is the time per row at
the largest size over that at the smallest: at most 1 if time grows no faster than the number of rows.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated

SIZES = (100_000, 300_000, 1_000_000)
BUDGET = Budget(1.0, 1e-5)
UNIT = Unit("user", 8)
_SESSIONS_A_ROW = 1.12
"""More than 1, because some of the simulated sessions are rejected."""


def one(size: int) -> dict[str, Any]:
    """Makes `size` rows, trains each private model on them, and returns the figures."""
    randomness, encoding = SystemRandomness(), Encoding(schemas.load("vitrine-session"))
    began = time.perf_counter()
    rows = simulated.rows(encoding, int(size * _SESSIONS_A_ROW), seed=1)
    made = time.perf_counter() - began
    rows = contributions.bounded(rows, UNIT.most_rows, randomness)
    models = {}
    for kind in model_store.PRIVATE:
        began = time.perf_counter()
        kind.fit(rows, encoding, BUDGET, UNIT, randomness)
        seconds = time.perf_counter() - began
        models[kind.name] = {
            "seconds": round(seconds, 2),
            "microseconds_a_row": round(1e6 * seconds / len(rows), 2),
        }
        print(f"{len(rows)} rows, {kind.name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return {
        "rows": len(rows),
        "units": len(set(rows.unit.tolist())),
        "made_seconds": round(made, 1),
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "models": models,
    }


def _in_a_process(size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "lab.benchmarks.training", "--rows", str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Runs the benchmark of the command line, each size in a separate process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="run only this size, in this process")
    options = parser.parse_args()
    if options.rows:
        print(json.dumps(one(options.rows)))
        return
    sizes = [_in_a_process(size) for size in SIZES]
    first, last = sizes[0]["models"], sizes[-1]["models"]
    growth = {
        name: round(last[name]["microseconds_a_row"] / first[name]["microseconds_a_row"], 3) for name in first
    }
    print(json.dumps({"sizes": sizes, "growth": growth}))


if __name__ == "__main__":
    main()
