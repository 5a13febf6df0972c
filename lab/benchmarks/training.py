"""What training costs as the rows grow: `./vitrine bench training`.

Prints {"sizes": [{"rows", "units", "made_seconds", "peak_rss_bytes", "models": {name: {"seconds",
"microseconds_a_row"}}}], "growth": {name: ratio}}. Rows are simulated sessions, the unit one user; each size
is made and trained in a process of its own, whose peak memory counts all of it. `growth` is the seconds a row
at the largest size over those at the smallest: at most 1 where the cost grows no faster than the rows.
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
"""Some of the simulated sessions are refused."""


def one(size: int) -> dict[str, Any]:
    """Makes `size` rows and trains each private model on them."""
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


def _apart(size: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "lab.benchmarks.training", "--rows", str(size)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Measures as the arguments say, each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="only this size, in this process")
    asked = parser.parse_args()
    if asked.rows:
        print(json.dumps(one(asked.rows)))
        return
    sizes = [_apart(size) for size in SIZES]
    first, last = sizes[0]["models"], sizes[-1]["models"]
    growth = {
        name: round(last[name]["microseconds_a_row"] / first[name]["microseconds_a_row"], 3) for name in first
    }
    print(json.dumps({"sizes": sizes, "growth": growth}))


if __name__ == "__main__":
    main()
