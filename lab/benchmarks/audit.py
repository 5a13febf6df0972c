"""`./vitrine bench audit`: audits sound models and models with planted faults repeatedly, and counts
refutations.

Prints {"epsilon", "delta", "confidence", "canaries", "repetitions", "table": [{"model", "fault", "refuted",
"repetitions", "lower_bounds", "seconds"}]}. The fault is null for a sound model.
"""

import argparse
import sys
import time
from contextlib import nullcontext
from typing import Any

import msgspec

from lab.benchmarks.planted import FAULTS, Planted
from ml.audit.arguments import MODELS
from ml.audit.command import ATTACKS, audited
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget

CONFIDENCE = 0.95


def row(
    model: str, fault: str | None, planted: Planted, budget: Budget, canaries: int, repetitions: int
) -> dict[str, Any]:
    """Returns how often the claim of `model`, with `fault` planted, is refuted."""
    began = time.perf_counter()
    audits = []
    for _ in range(repetitions):
        with planted():
            audit = audited(model, ATTACKS[model], budget, canaries, 1, CONFIDENCE, SystemRandomness())
        bound = audit.empirical_epsilon_lower_bound
        print(f"{model}, {fault or 'sound'}: epsilon >= {bound:.2f}", file=sys.stderr, flush=True)
        audits.append(audit)
    return {
        "model": model,
        "fault": fault,
        "refuted": sum(not audit.holds for audit in audits),
        "repetitions": repetitions,
        "lower_bounds": sorted(audit.empirical_epsilon_lower_bound for audit in audits),
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> None:
    """Runs the benchmark of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--canaries", type=int, default=1_000)
    parser.add_argument(
        "--repetitions", type=int, default=10, help="audits per fault; sound models twice that"
    )
    options = parser.parse_args()
    budget = Budget(options.epsilon, 1e-5)
    table = []
    for model in options.model:
        for fault, planted in FAULTS[model].items():
            table.append(row(model, fault, planted, budget, options.canaries, options.repetitions))
        table.append(row(model, None, nullcontext, budget, options.canaries, 2 * options.repetitions))
    document: dict[str, Any] = {
        "epsilon": budget.epsilon,
        "delta": budget.delta,
        "confidence": CONFIDENCE,
        "canaries": options.canaries,
        "repetitions": options.repetitions,
        "table": table,
    }
    print(msgspec.json.encode(document).decode())


if __name__ == "__main__":
    main()
