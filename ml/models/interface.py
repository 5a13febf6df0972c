"""The interface of all models."""

from pathlib import Path
from typing import ClassVar, Protocol, Self

from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.privacy.privacy_loss import PrivacyLoss
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, PrivacyStatement, Unit


class Model(Protocol):
    """A trained model. Everything in it may be published under the guarantee of its statement."""

    name: ClassVar[str]
    title: ClassVar[str]
    statement: PrivacyStatement

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        """Trains a model on `rows` within `budget`. No unit may have more than `unit.most_rows` rows.

        Returns a model, if a poor one, even for very few rows or labels of one class only.
        """

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> PrivacyLoss | None:
        """Returns the privacy loss of `fit` for each unit, known beforehand; None if the model is not
        private."""

    def log_odds(self, x: Matrix) -> Vector:
        """Returns the log-odds of a purchase: (n, width) -> (n,)."""

    def save(self, folder: Path) -> None:
        """Writes the parameters into the existing `folder`."""

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        """Returns the model that `save` wrote."""
