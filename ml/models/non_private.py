"""The non-private baseline, from which the price of privacy is measured."""

from typing import Any, ClassVar, Self

import numpy as np

from ml.features.encoding import Encoding, Matrix
from ml.features.rows import Rows
from ml.models.xgboost_file import XgboostFile
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit

PARAMETERS = {
    "objective": "binary:logistic",
    "base_score": 0.5,
    "max_depth": 4,
    "eta": 0.06,
    "subsample": 0.8,
    "colsample_bytree": 0.7,
    "min_child_weight": 5,
    "nthread": 1,
}
ROUNDS = 150


class NonPrivateBaseline(XgboostFile):
    """Plain xgboost on the same inputs. It never leaves the trusted side."""

    name: ClassVar[str] = "xgboost"
    title: ClassVar[str] = "xgboost, not private"

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        return cls(train(rows.x, rows.y, randomness), _statement(unit))

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> None:
        return None


def train(x: Matrix, y: Any, randomness: Randomness) -> Any:
    """Returns a Booster whose margin is the log-odds."""
    import xgboost

    seed = int(randomness.uniform(1)[0] * 2**31)
    return xgboost.train(PARAMETERS | {"seed": seed}, xgboost.DMatrix(x, label=np.asarray(y)), ROUNDS)


def _statement(unit: Unit) -> PrivacyStatement:
    return PrivacyStatement(
        model=NonPrivateBaseline.name,
        private=False,
        epsilon=None,
        delta=None,
        unit=unit.name,
        most_rows_per_unit=unit.most_rows,
        neighbours=NEIGHBOURS,
        mechanism="None: this model is not private. It is trained only to measure the price of privacy.",
        composition="None.",
        public=(),
        real_arithmetic="Nothing is claimed.",
    )
