"""A model trained after Laplace noise was added to every number, a common practice, with a statement of what
that really guarantees."""

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
    """xgboost, trained on rows with noise added to each number."""

    name: ClassVar[str] = "laplace_baseline"
    title: ClassVar[str] = "Laplace noise on features"

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        noisy = with_laplace_noise(rows.x, encoding, budget.epsilon, randomness)
        return cls(train(noisy, rows.y, randomness), _statement(budget, unit, encoding))

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> None:
        return None


def with_laplace_noise(x: Matrix, encoding: Encoding, epsilon: float, randomness: Randomness) -> Matrix:
    """Returns `x` with Laplace noise of scale (upper - lower) / epsilon added to each number, clipped
    again."""
    noisy = x.copy()
    for feature in encoding.schema.features:
        if isinstance(feature, Numeric):
            at = encoding.spans[feature.name].start
            scale = (feature.upper - feature.lower) / epsilon
            noise = scale * _laplace(len(x), randomness)
            noisy[:, at] = to_unit(feature, from_unit(feature, x[:, at].astype(np.float64)) + noise)
    return noisy


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
            f"A single number is {budget.epsilon:g}-differentially private with respect to replacing it; all "
            f"numbers of one {unit.name} together only {total:g}-differentially private. Labels, words and "
            "the presence of a row are not protected at all, so nothing is guaranteed to a unit."
        ),
        public=(f"bounds and word lists of the schema {encoding.schema.name}",),
        real_arithmetic="The noise is drawn in floating point.",
    )
