"""`./vitrine audit`: which models, attacked how, and whether their claims stand."""

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
    "A bound above the claim refutes it, at the confidence stated. One below refutes nothing and proves "
    "nothing: an attack shows only what it finds."
)
FEWEST = 20
"""Canaries: two guesses on each side."""


class Audit(msgspec.Struct, frozen=True):
    """One model's claim, and how it stood."""

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
    name: str, attack: Attack, budget: Budget, canaries: int, runs: int, confidence: float, dice: Randomness
) -> Audit:
    """Trains the model `name` as often as `attack` wants, and attacks it."""
    began = time.perf_counter()
    kind = model_store.KINDS[name]
    trials = [trial for _ in range(runs) for trial in attack.trials(kind, budget, canaries, dice)]
    claim = trials[0].statement
    if claim.epsilon is None or claim.delta is None:
        raise ValueError(f"{name} claims nothing that could be refuted")
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
    """Gives an ExitCode: DONE where every claim stands, NOT_SO where one is refuted."""
    return carried_out(partial(_audit, arguments))


def _audit(arguments: argparse.Namespace) -> int:
    try:
        budget = Budget(arguments.epsilon, arguments.delta)
        if arguments.canaries < FEWEST or arguments.runs < 1:
            raise ValueError(f"at least {FEWEST} canaries and one run are wanted")
        if not 0 < budget.delta < 0.1 or not 0 < arguments.confidence < 1:
            raise ValueError("--delta above 0 and below 0.1, --confidence above 0 and below 1 are wanted")
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    asked = budget, arguments.canaries, arguments.runs, arguments.confidence
    audits = []
    for name in arguments.model:
        audits.append(audited(name, ATTACKS[name], *asked, SystemRandomness()))
        print(f"audit: {_line(audits[-1])}", file=sys.stderr, flush=True)
    holds = all(audit.holds for audit in audits)
    if arguments.json:
        document: dict[str, Any] = {"holds": holds, "note": NOTE, "audits": audits}
        print(msgspec.json.encode(document).decode())
    else:
        print(NOTE)
    return ExitCode.DONE if holds else ExitCode.NOT_SO


def _line(audit: Audit) -> str:
    verdict = "stands" if audit.holds else "is REFUTED"
    return (
        f"{audit.model}: {audit.correct} of {audit.guesses} guesses right on {audit.canaries} canaries: "
        f"epsilon >= {audit.empirical_epsilon_lower_bound:.2f} at {audit.confidence:.0%}, the claim of "
        f"{audit.claimed_epsilon:g} {verdict} ({audit.seconds:.0f} s)"
    )
