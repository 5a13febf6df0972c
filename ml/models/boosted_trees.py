"""Gradient boosting on random trees with noisy leaf sums, saved as a model that xgboost itself loads."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.models import xgboost_file
from ml.models.random_trees import RandomTree, grow
from ml.privacy import contributions, gdp
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit

TREES = 800
DEPTH = 5
LEARNING_RATE = 0.15
SHRINKAGE = 3.0
"""Added to each leaf's sum of second derivatives, in units of the noise."""
HESSIAN_WEIGHT = 2.0
"""Second derivatives are summed this much larger, so that the noise hurts them less."""
_SENSITIVITY = float(np.hypot(1.0, HESSIAN_WEIGHT / 4))
"""|p - y| <= 1 and p (1 - p) <= 1/4: no row's (gradient, weighted second derivative) is longer."""


class BoostedTrees:
    """A sum of trees in log-odds; each leaf value is one Newton step on noisy sums, shrunk as the noise
    demands."""

    name: ClassVar[str] = "boosted_trees"
    title: ClassVar[str] = "Boosted trees"

    def __init__(self, booster: Any, statement: PrivacyStatement) -> None:
        self.booster = booster
        self.statement = statement

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        noise = gdp.noise_multiplier(gdp.mu_of(budget), TREES) * _SENSITIVITY
        weight = contributions.weights(rows.unit)
        log_odds = np.zeros(len(rows))
        trees: list[tuple[RandomTree, Vector, Vector]] = []
        for _ in range(TREES):
            tree = grow(encoding, DEPTH, randomness)
            leaf = tree.leaf(rows.x)
            probability = 1 / (1 + np.exp(-log_odds))
            sums = noisy_sums(
                np.stack([probability - rows.y, HESSIAN_WEIGHT * probability * (1 - probability)]) * weight,
                leaf, 2**DEPTH, noise, randomness,
            )  # fmt: skip
            second = np.maximum(sums[1], 0) / HESSIAN_WEIGHT
            value = (-LEARNING_RATE * sums[0] / (second + SHRINKAGE * noise)).astype(np.float32)
            trees.append((tree, value, second))
            log_odds = log_odds + value[leaf]
        return cls(xgboost_file.booster(trees, encoding.width), _statement(budget, unit, encoding))

    def log_odds(self, x: Matrix) -> Vector:
        return xgboost_file.log_odds(self.booster, x)

    def save(self, folder: Path) -> None:
        self.booster.save_model(folder / "model.json")

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        return cls(xgboost_file.load(folder / "model.json"), statement)


def _statement(budget: Budget, unit: Unit, encoding: Encoding) -> PrivacyStatement:
    return PrivacyStatement(
        model=BoostedTrees.name,
        private=True,
        epsilon=budget.epsilon,
        delta=budget.delta,
        unit=unit.name,
        most_rows_per_unit=unit.most_rows,
        neighbours=NEIGHBOURS,
        mechanism=(
            f"{TREES} trees whose splits are drawn without looking at the data; the sums of first and second "
            f"derivatives in their leaves get Gaussian noise. The rows of a unit weigh 1 together, so it "
            f"moves the sums of a tree by {_SENSITIVITY:.3f} at most (L2), whatever it contributes."
        ),
        composition=(
            f"Gaussian differential privacy: {TREES} adaptive releases compose exactly to "
            f"mu = {gdp.mu_of(budget):.4f}, which is ({budget.epsilon:g}, {budget.delta:g})-DP."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "Sums are exact integers and the noise is OpenDP's discrete Gaussian; the accounting is that of "
            "the continuous Gaussian, of which the grid of 2^-24 is a very fine copy."
        ),
    )
