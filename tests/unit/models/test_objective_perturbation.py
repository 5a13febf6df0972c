"""diffprivlib's logistic regression held against Chaudhuri, Monteleoni, Sarwate 2011, algorithm 2, with our
norm, our regularisation and our neighbours."""

import secrets
from typing import Any

import numpy as np
import pytest
from diffprivlib.mechanisms import Vector
from diffprivlib.models import logistic_regression as library
from scipy.stats import gamma, kstest
from support import shop

from ml.models.logistic_regression import LogisticRegression
from ml.privacy import contributions
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit

CURVATURE = 0.25
"""The largest second derivative of the logistic loss in the log-odds."""


class Watched(Vector):  # type: ignore[misc]
    """Keeps itself and the noisy loss that it makes."""

    made: list[Any] = []  # noqa: RUF012

    def randomise(self, value: Any) -> Any:
        noisy = super().randomise(value)
        self.made.append((self, noisy))
        return noisy


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(library, "Vector", Watched)
    Watched.made.clear()
    return Watched.made


def fit(epsilon: float, unit: Unit, rows: int = 2_000) -> LogisticRegression:
    rng = SystemRandomness()
    kept = contributions.bounded(shop.rows(rows, seed=1, per_user=unit.most_rows), unit.most_rows, rng)
    return LogisticRegression.fit(kept, shop.ENCODING, Budget(epsilon, 1e-5), unit, rng)


def proven(mechanism: Vector) -> tuple[float, float]:
    """(scale of the linear term's length, epsilon for adding or removing one row), from the paper.

    The density of the term is proportional to exp(-|b| / scale). A row of norm at most 1 moves the b that
    explains a given minimum by at most its gradient's length, 1, and changes the Jacobian's determinant by a
    factor of at most 1 + c / (n Lambda). For a replaced row both count twice, which is the paper's case.
    """
    assert mechanism.data_sensitivity == 1.0
    strength = mechanism.alpha  # n Lambda of the paper: the loss is a sum here, so n drops out
    replacing = mechanism.epsilon - 2 * np.log1p(CURVATURE / strength)
    if replacing <= 0:  # the paper's second case: more regularisation instead
        strength = CURVATURE / np.expm1(mechanism.epsilon / 4)
        replacing = mechanism.epsilon / 2
    scale = 2 / replacing
    return float(scale), float(1 / scale + np.log1p(CURVATURE / strength))


@pytest.mark.parametrize("unit", [Unit("row", 1), Unit("user", 3), Unit("user", 8)], ids=str)
@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_the_noise_drawn_matches_the_statement(made: list[Any], epsilon: float, unit: Unit) -> None:
    statement = fit(epsilon, unit).statement
    ((mechanism, _),) = made
    assert statement.epsilon is not None
    assert statement.most_rows_per_unit is not None
    _, of_a_row = proven(mechanism)
    assert of_a_row * statement.most_rows_per_unit == pytest.approx(statement.epsilon)


@pytest.mark.parametrize("epsilon", [0.01, 1.0, 8.0])
def test_the_library_draws_the_linear_term_of_the_paper(epsilon: float) -> None:
    """Uniform direction, length Gamma(dimension, scale): at 0.01 by the paper's second case."""
    dimension, n = 6, 50
    mechanism = Vector(
        epsilon=epsilon, dimension=dimension, alpha=10.0, n=n,
        function_sensitivity=CURVATURE, data_sensitivity=1.0,
    )  # fmt: skip
    origin = np.zeros(dimension)
    terms = np.array(
        [mechanism.randomise(lambda w: (0.0, np.zeros(dimension)))(origin)[1] * n for _ in range(2_000)]
    )
    lengths = np.linalg.norm(terms, axis=1)
    scale, _ = proven(mechanism)
    assert kstest(lengths, gamma(dimension, scale=scale).cdf).pvalue > 1e-6
    direction = (terms / lengths[:, None]).mean(axis=0)
    assert np.linalg.norm(direction) < 6 / np.sqrt(len(terms))


def test_the_minimum_is_met_far_within_the_noise(made: list[Any]) -> None:
    """The proof is for the exact minimum. What is left of the gradient there is a shift of the linear term:
    it must be negligible beside the term's scale."""
    model, rows = fit(1.0, Unit("row", 1)), shop.rows(2_000, seed=1)
    ((mechanism, noisy),) = made
    x = np.vstack([model.scaled(rows.x), np.zeros((2, len(model.coefficients)))])
    y = np.concatenate([rows.y, [0, 1]]).astype(float)
    _, slope = noisy(model.coefficients.copy(), x, y, np.ones(len(y)), mechanism.alpha / len(y))
    scale, _ = proven(mechanism)
    assert np.linalg.norm(slope) * len(y) < 1e-3 * scale


def test_rows_of_zeros_change_nothing_but_a_constant() -> None:
    """Removing a row is replacing it by zeros: the released minimum is a function of the other rows alone."""
    loss = library.LinearModelLoss(base_loss=library.HalfBinomialLoss(), fit_intercept=False).loss_gradient
    rows = shop.rows(50, seed=2)
    x, y, at = rows.x.astype(float), rows.y.astype(float), np.linspace(-1, 1, shop.ENCODING.width)
    padded_x, padded_y = np.vstack([x, np.zeros((2, x.shape[1]))]), np.concatenate([y, [0.0, 1.0]])
    (one, slope), (two, padded_slope) = (
        loss(at, a, b, np.ones(len(b)), 10.0 / len(b)) for a, b in ((x, y), (padded_x, padded_y))
    )
    assert padded_slope * 52 == pytest.approx(slope * 50)
    assert two * 52 == pytest.approx(one * 50 + 2 * np.log(2))


def test_without_a_seed_the_library_asks_the_operating_system() -> None:
    mechanism = Vector(
        epsilon=1.0, dimension=2, alpha=1.0, function_sensitivity=0.25, random_state=np.random.mtrand._rand
    )
    assert isinstance(mechanism._rng, secrets.SystemRandom)
    found = []
    for _ in range(2):
        np.random.seed(0)
        found.append(fit(1.0, Unit("row", 1), rows=100).coefficients)
    one, other = found
    assert not np.allclose(one, other)
