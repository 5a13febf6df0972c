"""Does the audit notice? `./vitrine bench audit`: sound models and planted faults, attacked again and again.

Prints {"epsilon", "delta", "confidence", "canaries", "repetitions", "table": [{"model", "fault", "refuted",
"repetitions", "lower_bounds", "seconds"}]}. The fault is null where the model is sound.
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
    """How often the claim of `model`, with `fault` planted, is refuted."""
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
    """Audits as the arguments say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--canaries", type=int, default=1_000)
    parser.add_argument("--repetitions", type=int, default=10, help="of each fault; sound models twice that")
    asked = parser.parse_args()
    budget = Budget(asked.epsilon, 1e-5)
    table = []
    for model in asked.model:
        for fault, planted in FAULTS[model].items():
            table.append(row(model, fault, planted, budget, asked.canaries, asked.repetitions))
        table.append(row(model, None, nullcontext, budget, asked.canaries, 2 * asked.repetitions))
    document: dict[str, Any] = {
        "epsilon": budget.epsilon,
        "delta": budget.delta,
        "confidence": CONFIDENCE,
        "canaries": asked.canaries,
        "repetitions": asked.repetitions,
        "table": table,
    }
    print(msgspec.json.encode(document).decode())


if __name__ == "__main__":
    main()
