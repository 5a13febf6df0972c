"""The closed forms of explanations against the definitions they stand for, played out subset by subset."""

from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.explain import tree_shapley
from ml.explain.path_gradients import expected_gradients
from ml.features.encoding import Vector
from ml.models import xgboost_file
from ml.models.random_trees import RandomTree

PLAYER = np.array([0, 1, 1, 1, 2, 3])
"""Six inputs of four features, the second of which is a list of three words."""
PLAYERS = range(4)


def game(booster: Any, row: Vector, background: Vector) -> dict[frozenset[int], float]:
    """v(S) for every S: the mean log-odds where the features in S are the row's."""
    coalitions = [who for size in range(len(PLAYERS) + 1) for who in combinations(PLAYERS, size)]
    mixed = np.concatenate([np.where(np.isin(PLAYER, who), row, background) for who in coalitions])
    log_odds = booster.predict(xgboost.DMatrix(mixed), output_margin=True).reshape(len(coalitions), -1)
    return {frozenset(who): float(mean) for who, mean in zip(coalitions, log_odds.mean(axis=1), strict=True)}


def by_definition(worth: dict[frozenset[int], float], group: tuple[int, ...]) -> float:
    """Shapley's value of one player, Grabisch and Roubens' index of two."""
    others = [player for player in PLAYERS if player not in group]
    total = 0.0
    for size in range(len(others) + 1):
        share = factorial(size) * factorial(len(others) - size) / factorial(len(others) + 1)
        for members in combinations(others, size):
            for part in range(len(group) + 1):
                for joined in combinations(group, part):
                    total += share * (-1) ** (len(group) - part) * worth[frozenset((*members, *joined))]
    return total


def rows(rng: np.random.Generator, count: int) -> Any:
    x = rng.random((count, len(PLAYER))).astype(np.float32)
    x[:, 1:4] = np.eye(4)[rng.integers(0, 4, count)][:, :3]
    return x


def random_booster(rng: np.random.Generator, trees: int, depth: int) -> Any:
    nodes = 2**depth - 1
    grown = [
        (
            RandomTree(rng.integers(0, len(PLAYER), nodes), rng.random(nodes).astype(np.float32)),
            rng.normal(size=2**depth).astype(np.float32),
        )
        for _ in range(trees)
    ]
    return xgboost_file.booster(grown, len(PLAYER))


def trained_booster(rng: np.random.Generator, trees: int, depth: int) -> Any:
    """Of any shape: xgboost cuts branches that gain nothing."""
    x = rows(rng, 300)
    y = (x[:, 0] * x[:, 4] + x[:, 2] - x[:, 5] + rng.normal(0, 0.3, 300) > 0).astype(int)
    parameters = {"objective": "binary:logistic", "max_depth": depth, "eta": 0.5, "nthread": 1}
    return xgboost.train(parameters, xgboost.DMatrix(x, label=y), trees)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    trees=st.integers(1, 4),
    depth=st.integers(1, 5),
    against=st.integers(1, 6),
    make=st.sampled_from([random_booster, trained_booster]),
)
def test_trees_get_the_values_of_the_game(seed: int, trees: int, depth: int, against: int, make: Any) -> None:
    rng = np.random.default_rng(seed)
    booster = make(rng, trees, depth)
    x, background = rows(rng, 2), rows(rng, against)
    values = tree_shapley.shapley(booster, x, background, PLAYER)
    pairs = tree_shapley.interactions(booster, x, background, PLAYER)
    for row, value, pair in zip(x, values, pairs, strict=True):
        worth = game(booster, row, background)
        np.testing.assert_allclose(value, [by_definition(worth, (k,)) for k in PLAYERS], atol=2e-5)
        for one, other in combinations(PLAYERS, 2):
            np.testing.assert_allclose(pair[one, other], by_definition(worth, (one, other)), atol=2e-5)
            assert pair[one, other] == pair[other, one]
        assert not pair.diagonal().any()


@given(seed=st.integers(0, 2**32), width=st.integers(1, 5), hidden=st.integers(1, 8), still=st.booleans())
def test_a_network_gets_the_integral_along_the_path(seed: int, width: int, hidden: int, still: bool) -> None:
    rng = np.random.default_rng(seed)
    weights, bias, out = (
        rng.normal(size=(width, hidden)) * 2,
        rng.normal(size=hidden),
        rng.normal(size=hidden),
    )
    x, background = (rng.random((count, width)) - 0.5 for count in (2, 3))
    if still:
        x[0] = background[0]  # a path that goes nowhere
    values = expected_gradients(x, background, weights, bias, out)
    steps, share = np.polynomial.legendre.leggauss(64)
    expected = np.zeros((2, width))
    for from_row in background:
        away = x - from_row
        for step, part in zip((steps + 1) / 2, share / 2, strict=True):
            slope = 1 - np.tanh((from_row + step * away) @ weights + bias) ** 2
            expected += part * away * ((slope * out) @ weights.T) / len(background)
    np.testing.assert_allclose(values, expected, atol=1e-7)
