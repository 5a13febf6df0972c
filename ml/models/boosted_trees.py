"""Gradient boosting on random trees with noisy leaf sums, saved as a model that xgboost itself loads."""

import math
from typing import ClassVar, Self

import numpy as np

from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.models import relevance, xgboost_file
from ml.models.random_trees import RandomTree, grow
from ml.models.relevance import Relevance
from ml.models.xgboost_file import XgboostFile
from ml.privacy import contributions, gdp
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.privacy_loss import GaussianLoss
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit

TREES = 800
DEPTH = 3
RELEVANCE_SHARE = 0.1
"""Of mu squared: what it costs to learn which features deserve splits."""
CLIP = 0.5
"""No gradient counts more. All are 1/2 before the first tree, so this bends only those of rows the model is
wrong about, and halves the noise."""
LEARNING_RATE = 0.25
STAND_INS = 2_000
"""Made-up rows whose second derivatives are summed in place of the true ones, which would cost noise of their
own. They steer how long a step is, and no more."""
SHRINKAGE = 6.0
"""Added to a leaf's curvature, in units of its noise."""


class BoostedTrees(XgboostFile):
    """A sum of trees in log-odds; each leaf value is a Newton step on a noisy sum of gradients, shrunk as the
    noise demands."""

    name: ClassVar[str] = "boosted_trees"
    title: ClassVar[str] = "Boosted trees"

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        mu, weight = gdp.mu_of(budget), contributions.weights(rows.unit)
        relevant = relevance.measured(rows, weight, encoding, mu * math.sqrt(RELEVANCE_SHARE), randomness)
        trees = _boosted(rows, weight, encoding, relevant, mu * math.sqrt(1 - RELEVANCE_SHARE), randomness)
        return cls(xgboost_file.booster(trees, encoding.width), _statement(budget, unit, encoding))

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> GaussianLoss:
        return GaussianLoss(gdp.mu_of(budget))


def _boosted(
    rows: Rows, weight: Vector, encoding: Encoding, relevant: Relevance, mu: float, randomness: Randomness
) -> list[tuple[RandomTree, Vector]]:
    """TREES trees with their leaf values, at the price of mu-GDP.

    A unit's rows weigh 1 together and no gradient is longer than CLIP, so a unit moves the leaf sums of a
    tree by CLIP at most (L2), into however many leaves its rows fall.
    """
    noise = gdp.noise_multiplier(mu, TREES) * CLIP
    x: Matrix = np.asfortranarray(rows.x)
    log_odds = np.zeros(len(rows), dtype=np.float32)
    made_up = relevance.stand_ins(relevant, encoding, STAND_INS, randomness)
    of_made_up = np.zeros(STAND_INS, dtype=np.float32)
    trees = []
    for _ in range(TREES):
        tree = grow(encoding, relevant.shares, DEPTH, randomness)
        leaf = tree.leaf(x)
        gradient = np.clip(1 / (1 + np.exp(-log_odds)) - rows.y, -CLIP, CLIP)
        (sums,) = noisy_sums((gradient * weight)[None], leaf, 2**DEPTH, noise, randomness)
        likely, chance = tree.leaf(made_up), 1 / (1 + np.exp(-of_made_up))
        curvature = np.bincount(likely, chance * (1 - chance), 2**DEPTH) * relevant.units / STAND_INS
        value = (-LEARNING_RATE * sums / (curvature + SHRINKAGE * noise)).astype(np.float32)
        trees.append((tree, value))
        log_odds += value[leaf]
        of_made_up += value[likely]
    return trees


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
            "The counts of each feature's bins by label get Gaussian noise and say how often a feature "
            f"is asked. Then {TREES} trees whose splits are drawn by that alone: the sums of gradients in "
            f"their leaves, each clipped to {CLIP:g}, get Gaussian noise. The rows of a unit weigh 1 "
            f"together, so it moves the sums of a tree by {CLIP:g} at most (L2), whatever it contributes."
        ),
        composition=(
            f"Gaussian differential privacy: the counts and {TREES} sums, each in the light of the earlier "
            f"ones, compose exactly to mu = {gdp.mu_of(budget):.4f}, which is ({budget.epsilon:g}, "
            f"{budget.delta:g})-DP; the counts take {RELEVANCE_SHARE:g} of mu squared."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "Sums are exact integers and the noise is OpenDP's discrete Gaussian; the accounting is that of "
            "the continuous Gaussian, of which the grid of 2^-24 is a very fine copy."
        ),
    )
