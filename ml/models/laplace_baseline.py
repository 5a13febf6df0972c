"""Laplace noise on every numerical feature, a common practice, with a statement of what it really
guarantees."""

from typing import ClassVar, Self

import numpy as np

from ml.features.encoding import Encoding, Matrix, Vector, from_unit, to_unit
from ml.features.rows import Rows
from ml.features.schema import Numeric
from ml.models.non_private import train
from ml.models.xgboost_file import XgboostFile
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit


class LaplaceBaseline(XgboostFile):
    """xgboost on rows with noise added to each number."""

    name: ClassVar[str] = "laplace_baseline"
    title: ClassVar[str] = "Laplace noise on features"

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        blurred = blur(rows.x, encoding, budget.epsilon, randomness)
        return cls(train(blurred, rows.y, randomness), _statement(budget, unit, encoding))

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> None:
        return None


def blur(x: Matrix, encoding: Encoding, epsilon: float, randomness: Randomness) -> Matrix:
    """Each number plus Laplace noise of scale (upper - lower) / epsilon in its own unit, clipped again."""
    blurred = x.copy()
    for feature in encoding.schema.features:
        if isinstance(feature, Numeric):
            at = encoding.spans[feature.name].start
            scale = (feature.upper - feature.lower) / epsilon
            noise = scale * _laplace(len(x), randomness)
            blurred[:, at] = to_unit(feature, from_unit(feature, x[:, at].astype(np.float64)) + noise)
    return blurred


def _laplace(count: int, randomness: Randomness) -> Vector:
    centred = randomness.uniform(count) - 0.5
    return np.asarray(-np.sign(centred) * np.log1p(-2 * np.abs(centred)))


def _statement(budget: Budget, unit: Unit, encoding: Encoding) -> PrivacyStatement:
    numbers = sum(isinstance(feature, Numeric) for feature in encoding.schema.features)
    total = numbers * unit.most_rows * budget.epsilon
    return PrivacyStatement(
        model=LaplaceBaseline.name,
        private=False,
        epsilon=None,
        delta=None,
        unit=unit.name,
        most_rows_per_unit=unit.most_rows,
        neighbours=NEIGHBOURS,
        mechanism=(
            f"Laplace noise of scale (upper - lower) / {budget.epsilon:g} on each of {numbers} numbers of a "
            "row, before training."
        ),
        composition=(
            f"Each single number is {budget.epsilon:g}-differentially private against replacing it; all "
            f"numbers of one {unit.name} together only {total:g}. Labels, words and whether a row is there "
            "at all stay unprotected, so for a unit nothing is guaranteed."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}",),
        real_arithmetic="The noise is drawn in floating point.",
    )
