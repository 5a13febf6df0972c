"""A small audit of each model, sound and with a fault planted. The full table is `./vitrine bench audit`."""

import argparse
import json
from contextlib import nullcontext
from typing import Any

import pytest
from support import shop

from lab.benchmarks.planted import FAULTS, LITTLE_NOISE, NO_BOUND, Planted
from ml.audit import command
from ml.audit.arguments import MODELS, add_arguments
from ml.audit.attack import Trial, coins
from ml.audit.command import ATTACKS, Audit, audited
from ml.models import model_store
from ml.privacy.randomness import Randomness, SystemRandomness
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit

BUDGET = Budget(1.0, 1e-5)
ENOUGH = {"boosted_trees": 500, "logistic_regression": 150, "neural_network": 500}
"""Canaries that show a fault as large as these; fewer than `./vitrine audit` takes."""
CONFIDENCE = 0.95
NEVER_IN_A_THOUSAND_RUNS = 0.9999
"""Confidence for sound models: high, so that the tests do not fail by chance in one of ten runs."""


def small(model: str, confidence: float, planted: Planted = nullcontext) -> Audit:
    with planted():
        return audited(model, ATTACKS[model], BUDGET, ENOUGH[model], 1, confidence, SystemRandomness())


def test_every_private_model_is_attacked() -> None:
    assert set(MODELS) == set(ATTACKS) == set(FAULTS) == {kind.name for kind in model_store.PRIVATE}


@pytest.mark.parametrize("model", MODELS)
def test_a_sound_model_is_not_refuted(model: str) -> None:
    audit = small(model, NEVER_IN_A_THOUSAND_RUNS)
    assert audit.holds
    assert audit.claimed_epsilon == BUDGET.epsilon
    assert audit.guesses == 2 * round(0.1 * audit.canaries)


@pytest.mark.parametrize(
    ("model", "fault"),
    [("boosted_trees", NO_BOUND), ("logistic_regression", LITTLE_NOISE), ("neural_network", NO_BOUND)],
)
def test_a_planted_fault_is_refuted(model: str, fault: str) -> None:
    """Each is caught at least nine times of ten; three in a row show that it is not by luck."""
    audits = (small(model, CONFIDENCE, FAULTS[model][fault]) for _ in range(3))
    assert any(not audit.holds for audit in audits)


def test_a_fault_is_gone_with_its_context() -> None:
    from ml.models import boosted_trees, logistic_regression, neural_network
    from ml.privacy import contributions

    before = (
        vars(boosted_trees)["noisy_sums"],
        contributions.weights,
        neural_network.train,
        logistic_regression.scaled,
    )
    for faults in FAULTS.values():
        for planted in faults.values():
            with planted():
                pass
    after = (
        vars(boosted_trees)["noisy_sums"],
        contributions.weights,
        neural_network.train,
        logistic_regression.scaled,
    )
    assert before == after


class Telling:
    """Attacks a model that publishes which users are in its data."""

    method = "reads"

    def trials(self, kind: Any, budget: Budget, canaries: int, rng: Randomness) -> list[Trial]:
        included = coins(canaries, rng)
        rows = shop.rows(20, seed=1)
        model = kind.fit(rows, shop.ENCODING, budget, Unit("row", 1), SeededRandomness(1))
        return [Trial(included, included.astype(float), model.statement)]


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return parser.parse_args(words)


def test_a_refuted_claim_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "ATTACKS", {"boosted_trees": Telling()})
    assert command.run(asked("--model", "boosted_trees", "--canaries", "200", "--json")) == 1
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert not document["holds"]
    (audit,) = document["audits"]
    assert audit["correct"] == audit["guesses"] == 40
    assert audit["empirical_epsilon_lower_bound"] > audit["claimed_epsilon"] == 1.0
    assert "REFUTED" in said.err


@pytest.mark.parametrize(
    "words",
    [("--epsilon", "0"), ("--canaries", "3"), ("--runs", "0"), ("--confidence", "1"), ("--delta", "0")],
)
def test_invalid_arguments_are_exit_code_2(words: tuple[str, str]) -> None:
    assert command.run(asked(*words)) == 2
