"""`./vitrine audit`: attacks the models and prints whether their claims are refuted."""

import argparse
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec

from ml.audit.attack import Attack, guesses
from ml.audit.bound import lower_bound
from ml.audit.linear import OnLinear
from ml.audit.network import OnNetwork
from ml.audit.trees import OnTrees
from ml.models import model_store
from ml.privacy.randomness import Randomness, SystemRandomness
from ml.privacy.statement import Budget
from streaming.command_failure import carried_out
from streaming.process.exit_code import ExitCode, InvalidRequest

ATTACKS: Mapping[str, Attack] = {
    "boosted_trees": OnTrees(),
    "logistic_regression": OnLinear(),
    "neural_network": OnNetwork(),
}
NOTE = (
    "A bound above the claim refutes the claim at the stated confidence. A bound below it proves nothing: "
    "these attacks may miss faults."
)
FEWEST = 20
"""Canaries; with these the attacker makes two guesses on each side."""


class Audit(msgspec.Struct, frozen=True):
    """One model's claim, and the result of the attack on it."""

    model: str
    claimed_epsilon: float
    delta: float
    empirical_epsilon_lower_bound: float
    confidence: float
    canaries: int
    guesses: int
    correct: int
    method: str
    holds: bool
    seconds: float


def audited(
    name: str,
    attack: Attack,
    budget: Budget,
    canaries: int,
    runs: int,
    confidence: float,
    randomness: Randomness,
) -> Audit:
    """Trains the model `name` as often as `attack` needs, and attacks it."""
    began = time.perf_counter()
    kind = model_store.KINDS[name]
    trials = [trial for _ in range(runs) for trial in attack.trials(kind, budget, canaries, randomness)]
    claim = trials[0].statement
    if claim.epsilon is None or claim.delta is None:
        raise ValueError(f"{name} makes no privacy claim that could be refuted")
    seen = guesses(trials)
    bound = lower_bound(seen, claim.delta, confidence)
    return Audit(
        model=name,
        claimed_epsilon=claim.epsilon,
        delta=claim.delta,
        empirical_epsilon_lower_bound=round(bound, 4),
        confidence=confidence,
        canaries=seen.canaries,
        guesses=seen.guesses,
        correct=seen.correct,
        method=attack.method,
        holds=bound <= claim.epsilon,
        seconds=round(time.perf_counter() - began, 1),
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns an ExitCode: DONE if no claim is refuted, NOT_SO if one is."""
    return carried_out(partial(_audit, arguments))


def _audit(arguments: argparse.Namespace) -> int:
    try:
        budget = Budget(arguments.epsilon, arguments.delta)
        if arguments.canaries < FEWEST or arguments.runs < 1:
            raise ValueError(f"--canaries must be at least {FEWEST}, and --runs at least 1")
        if not 0 < budget.delta < 0.1 or not 0 < arguments.confidence < 1:
            raise ValueError("--delta must be between 0 and 0.1, and --confidence between 0 and 1")
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    options = budget, arguments.canaries, arguments.runs, arguments.confidence
    audits = []
    for name in arguments.model:
        audits.append(audited(name, ATTACKS[name], *options, SystemRandomness()))
        print(f"audit: {_line(audits[-1])}", file=sys.stderr, flush=True)
    holds = all(audit.holds for audit in audits)
    if arguments.json:
        document: dict[str, Any] = {"holds": holds, "note": NOTE, "audits": audits}
        print(msgspec.json.encode(document).decode())
    else:
        print(NOTE)
    return ExitCode.DONE if holds else ExitCode.NOT_SO


def _line(audit: Audit) -> str:
    result = "is not refuted" if audit.holds else "is REFUTED"
    return (
        f"{audit.model}: {audit.correct} of {audit.guesses} guesses right, {audit.canaries} canaries: "
        f"epsilon >= {audit.empirical_epsilon_lower_bound:.2f} at {audit.confidence:.0%} confidence, the "
        f"claim of {audit.claimed_epsilon:g} {result} ({audit.seconds:.0f} s)"
    )
