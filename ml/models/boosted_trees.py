"""Gradient boosting on random trees with noisy leaf sums, saved as a model that xgboost can load."""

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
"""Share of mu squared that is spent on learning which features to split on."""
CLIP = 0.5
"""Bound on a gradient. All gradients are 1/2 before the first tree, so clipping changes only those of rows
that the model predicts wrongly, and it halves the noise."""
LEARNING_RATE = 0.25
SYNTHETIC_ROWS = 2_000
"""Number of made-up rows whose second derivatives are summed instead of the true ones, which would need noise
too. They affect only the length of a step."""
SHRINKAGE = 6.0
"""Added to the curvature of a leaf, in units of its noise."""


class BoostedTrees(XgboostFile):
    """A sum of trees in log-odds; each leaf value is a Newton step on a noisy sum of gradients, shrunk in
    proportion to the noise."""

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
    """Returns TREES trees with their leaf values; together they are mu-GDP.

    The rows of a unit have a total weight of 1 and no gradient exceeds CLIP, so a unit changes the leaf sums
    of a tree by at most CLIP (L2), no matter how many leaves its rows fall into.
    """
    noise = gdp.noise_multiplier(mu, TREES) * CLIP
    x: Matrix = np.asfortranarray(rows.x)
    log_odds = np.zeros(len(rows), dtype=np.float32)
    made_up = relevance.synthetic_rows(relevant, encoding, SYNTHETIC_ROWS, randomness)
    of_made_up = np.zeros(SYNTHETIC_ROWS, dtype=np.float32)
    trees = []
    for _ in range(TREES):
        tree = grow(encoding, relevant.shares, DEPTH, randomness)
        leaf = tree.leaf(x)
        gradient = np.clip(1 / (1 + np.exp(-log_odds)) - rows.y, -CLIP, CLIP)
        (sums,) = noisy_sums((gradient * weight)[None], leaf, 2**DEPTH, noise, randomness)
        likely, chance = tree.leaf(made_up), 1 / (1 + np.exp(-of_made_up))
        curvature = np.bincount(likely, chance * (1 - chance), 2**DEPTH) * relevant.units / SYNTHETIC_ROWS
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
            "Gaussian noise is added to the counts of each feature's bins by label. These noisy counts "
            f"alone determine how often each feature is used in the random splits of {TREES} trees. In each "
            f"leaf, gradients are clipped to {CLIP:g} and summed, and Gaussian noise is added to the sum. "
            "The rows of a unit have a total weight of 1, so a unit changes the sums of a tree by at most "
            f"{CLIP:g} (L2)."
        ),
        composition=(
            f"Gaussian differential privacy: the counts and the sums of {TREES} trees, each computed with "
            f"knowledge of the earlier ones, compose exactly to mu = {gdp.mu_of(budget):.4f}, which is "
            f"({budget.epsilon:g}, {budget.delta:g})-DP; the counts take {RELEVANCE_SHARE:g} of mu squared."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "Sums are exact integers and the noise is OpenDP's discrete Gaussian on a grid of 2^-24; the "
            "accounting is that of the continuous Gaussian, which this grid approximates very closely."
        ),
    )
