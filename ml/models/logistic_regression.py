"""diffprivlib's logistic regression. Everything that the library would estimate from the data, which would
leak it, is fixed beforehand."""

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
"""Per unit of a row's epsilon: with less noise, less regularisation is needed."""
BIAS = 0.5
"""The value of the bias input, which is the same for all rows."""
MOST_ROWS = 2
"""Rows per unit. Each costs privacy separately (group privacy), so noise grows as fast as signal: more rows
help only if most units have that many."""
YES_OR_NO = 0.5
"""The weight of a 0/1 input relative to a number's; it changes only how strongly each is regularised."""


class LogisticRegression:
    """Log-odds that are linear in the scaled row. A row has the numbers; the 0/1 inputs (words, and whether a
    number is above its lower bound) times YES_OR_NO; and BIAS. A row longer than 1 is scaled to length 1."""

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
        # Two rows of zeros, one of each class, add only a constant to the loss. Without them the learner
        # would refuse data of a single class.
        x = np.vstack([x, np.zeros((2, x.shape[1]))])
        y = np.concatenate([kept.y, [0, 1]])
        of_a_row = budget.epsilon / most
        # The library's epsilon is for replacing a row, which removes one and adds one; ours is for one of
        # these.
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
        """(n, width) -> (n, width + numbers + 1), the rows that the coefficients multiply."""
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
    """(n, width) -> (n, width + numbers + 1) weighted rows of any length, the bias input last."""
    inputs = with_presence(x, is_numeric) * presence_weights(is_numeric, YES_OR_NO)
    return np.hstack([inputs, np.full((len(x), 1), BIAS)])


def scaled(x: Matrix, is_numeric: Flags) -> Vector:
    """Returns `weighted` rows, scaled so that none is longer than 1."""
    row = weighted(x, is_numeric)
    # Slightly shorter than 1, so that rounding leaves the learner nothing to clip.
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
            "term is added to the training loss. Rows, including their bias input, are scaled into the unit "
            "ball."
        ),
        composition=(
            f"One release, {budget.epsilon / unit.most_rows:g}-DP for adding or removing a row. A unit has "
            f"at most {unit.most_rows} rows, and group privacy adds their epsilons. diffprivlib gets twice "
            "this epsilon as its parameter: its proof is for replacing a row, which shifts the noise by two "
            "gradients and changes the determinant of the second derivatives twice, while adding or "
            "removing a row does each once. The loss does not depend on the number of rows."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "The proof is for the exact minimum of the loss over real numbers; the computation stops within "
            "a tolerance of it, and the noise is drawn in floating point."
        ),
    )
