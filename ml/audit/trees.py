"""The attack on the boosted trees: reads every noisy leaf sum of every tree with the public splits.

The crowd always buys, and the model learns to expect that, so that a canary who does not buy changes the sums
of its leaves nearly as much as a unit can. Given the earlier trees, what each canary would add to each sum is
known; which canaries are in is decoded from all sums at once.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import xgboost
from scipy.sparse import coo_array, vstack
from scipy.special import expit

from ml.audit.attack import Trial, coins, decoded, runs
from ml.audit.released import Observed
from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.features.schema import Numeric, Schema
from ml.models import boosted_trees
from ml.privacy.noisy_sums import GRID
from ml.privacy.randomness import Integers, Randomness
from ml.privacy.statement import Budget, Unit

_ENCODING = Encoding(Schema("audit", "bought", tuple(Numeric(f"number {k}", 0, 1) for k in range(200))))
_UNIT = Unit("user", 8)
_CROWD = 3_000
_A_RUN = 500
"""Canaries per run: with more of them, each adds more noise to the estimate of the others."""


@dataclass(frozen=True)
class OnTrees:
    """Audits the random trees."""

    method: str = (
        f"runs of {_A_RUN} users of eight rows; membership decoded from the noisy leaf sums of all trees"
    )

    def trials(self, kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> list[Trial]:
        return [_trial(kind, budget, count, randomness) for count in runs(canaries, _A_RUN)]


def _trial(kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> Trial:
    included = coins(canaries, randomness)
    canary, crowd = _users(canaries, randomness), _users(_CROWD, randomness)
    members = canary[included].repeat(_UNIT.most_rows, axis=0)
    rows = Rows(
        np.concatenate([crowd, members]),
        np.concatenate([np.ones(len(crowd)), np.zeros(len(members))]).astype(np.int8),
        np.concatenate([np.arange(len(crowd)), -1 - np.arange(len(members)) // _UNIT.most_rows]),
    )
    observed = Observed(randomness)
    model = kind.fit(rows, _ENCODING, budget, _UNIT, observed)
    return Trial(included, _scores(model.booster, canary, crowd, observed), model.statement)


def _users(count: int, randomness: Randomness) -> Matrix:
    """Returns (count, width) random corners of the cube: a split at any threshold separates two of them half
    of the time."""
    return (randomness.uniform(count * _ENCODING.width) < 0.5).reshape(count, -1).astype(np.float32)


def _scores(booster: Any, canary: Matrix, crowd: Matrix, observed: Observed) -> Vector:
    of_canary, of_crowd = _Walk(booster, canary), _Walk(booster, crowd)
    adds, left = [], []
    # What was released before the trees is not used: it takes only a tenth of the budget.
    for tree, released in enumerate(observed.released[-boosted_trees.TREES :]):
        at, who = of_canary.leaf(tree), np.arange(len(canary))
        adds.append(coo_array((_gradient(of_canary, label=0), (at, who)), (len(released), len(canary))))
        known = np.bincount(of_crowd.leaf(tree), _gradient(of_crowd, label=1), len(released))
        left.append(released / GRID - known)
        of_canary.pass_on(tree)
        of_crowd.pass_on(tree)
    table = vstack(adds).tocsr()  # (sums, canaries)
    gram, projected = (table.T @ table).toarray(), table.T @ np.concatenate(left)
    return decoded(gram, projected, (observed.scales[-1] / GRID) ** 2)


class _Walk:
    """Log-odds of rows after each tree of a released booster."""

    def __init__(self, booster: Any, x: Matrix) -> None:
        self._nodes = booster.predict(xgboost.DMatrix(x), pred_leaf=True).astype(np.int64)
        trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
        self._values = [np.array(tree["split_conditions"]) for tree in trees]
        self._inner = [sum(child != -1 for child in tree["left_children"]) for tree in trees]
        self.log_odds = np.zeros(len(x))

    def leaf(self, tree: int) -> Integers:
        """Returns (n,) the leaf of each row in `tree`, counted from 0."""
        return np.asarray(self._nodes[:, tree] - self._inner[tree])

    def pass_on(self, tree: int) -> None:
        self.log_odds += self._values[tree][self._nodes[:, tree]]


def _gradient(rows: _Walk, label: int) -> Vector:
    """Returns (n,) what a unit of identical rows adds to the sum of its leaf."""
    return np.asarray(np.clip(expit(rows.log_odds) - label, -boosted_trees.CLIP, boosted_trees.CLIP))
