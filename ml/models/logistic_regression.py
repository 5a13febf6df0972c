"""diffprivlib's logistic regression, made safe: all that it would estimate from the data by itself is fixed
beforehand."""

import warnings
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from ml.features.encoding import Encoding, Flags, Matrix, Vector, presence_weights, with_presence
from ml.features.rows import Rows
from ml.privacy import contributions
from ml.privacy.privacy_loss import PureLoss
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit

INVERSE_REGULARISATION = 0.1
"""Of each 1 of epsilon that a row has: the less noise there is, the less regularisation has to hold down."""
BIAS = 0.5
"""The value of the input that is the same for all."""
MOST_ROWS = 2
"""Of a unit. Each is paid for apart (group privacy), which costs as much noise as they bring signal: more
rows help as long as most units have them."""
YES_OR_NO = 0.5
"""What an input that is 0 or 1 counts beside a number's; both only shift how strongly each is regularised."""


class LogisticRegression:
    """Log-odds linear in the scaled row: numbers; words, and whether a number is above its lower bound, times
    YES_OR_NO; BIAS; all divided by their length where above 1."""

    name: ClassVar[str] = "logistic_regression"
    title: ClassVar[str] = "Logistic regression"

    def __init__(self, coefficients: Vector, is_numeric: Flags, statement: PrivacyStatement) -> None:
        self.coefficients = coefficients
        """(width + numbers + 1,), the bias last."""
        self.is_numeric = is_numeric
        """(width,) of the encoding."""
        self.statement = statement

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        from diffprivlib.models import LogisticRegression as Learner

        most = min(MOST_ROWS, unit.most_rows)
        kept = contributions.bounded(rows, most, randomness)
        x = scaled(kept.x, encoding.is_numeric)
        # Two rows of zeros, one of each class: they add a constant to the loss, and the learner,
        # which would refuse data of one class only, always sees two.
        x = np.vstack([x, np.zeros((2, x.shape[1]))])
        y = np.concatenate([kept.y, [0, 1]])
        of_a_row = budget.epsilon / most
        # The library charges a replaced row twice, once taken out and once put in; ours is only the one.
        learner = Learner(
            epsilon=2 * of_a_row, data_norm=1.0, C=INVERSE_REGULARISATION * of_a_row,
            fit_intercept=False, max_iter=1_000, tol=1e-7, random_state=randomness.seed,
        )  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("error", category=_leak_warning())
            learner.fit(x, y)
        statement = _statement(budget, Unit(unit.name, most), encoding)
        return cls(learner.coef_[0], encoding.is_numeric, statement)

    def scaled(self, x: Matrix) -> Vector:
        """(n, width) -> (n, width + numbers + 1), the rows the coefficients multiply."""
        return scaled(x, self.is_numeric)

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> PureLoss:
        return PureLoss(budget.epsilon)

    def log_odds(self, x: Matrix) -> Vector:
        return np.asarray(self.scaled(x) @ self.coefficients)

    def save(self, folder: Path) -> None:
        np.savez(folder / "model.npz", coefficients=self.coefficients, is_numeric=self.is_numeric)

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        with np.load(folder / "model.npz") as arrays:
            return cls(arrays["coefficients"], arrays["is_numeric"], statement)


def weighted(x: Matrix, is_numeric: Flags) -> Vector:
    """(n, width) -> (n, width + numbers + 1) rows of any length, with the bias input last."""
    inputs = with_presence(x, is_numeric) * presence_weights(is_numeric, YES_OR_NO)
    return np.hstack([inputs, np.full((len(x), 1), BIAS)])


def scaled(x: Matrix, is_numeric: Flags) -> Vector:
    """`weighted`, no row longer than 1."""
    row = weighted(x, is_numeric)
    # A hair inside the ball: the learner must have nothing left to clip.
    return np.asarray(row / np.maximum(1.0, np.linalg.norm(row, axis=1, keepdims=True) * (1 + 1e-12)))


def _leak_warning() -> type[Warning]:
    from diffprivlib.utils import PrivacyLeakWarning

    warning: type[Warning] = PrivacyLeakWarning
    return warning


def _statement(budget: Budget, unit: Unit, encoding: Encoding) -> PrivacyStatement:
    return PrivacyStatement(
        model=LogisticRegression.name,
        private=True,
        epsilon=budget.epsilon,
        delta=0.0,
        unit=unit.name,
        most_rows_per_unit=unit.most_rows,
        neighbours=NEIGHBOURS,
        mechanism=(
            "Objective perturbation (Chaudhuri, Monteleoni, Sarwate 2011) by diffprivlib: a random linear "
            "term in the training loss. Rows scaled into the unit ball, the bias being one of their inputs."
        ),
        composition=(
            f"One release of {budget.epsilon / unit.most_rows:g} for adding or removing a row; a unit has "
            f"{unit.most_rows} at most, and group privacy adds them up. diffprivlib is asked for twice that: "
            "it proves it for replacing a row, which shifts the noise by two gradients and changes the "
            "determinant of the second derivatives twice, where adding or removing does each once; the loss "
            "does not depend on the number of rows."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "The proof is for the exact minimum of the loss over real numbers; the computer stops within a "
            "tolerance and draws its noise in floating point."
        ),
    )
