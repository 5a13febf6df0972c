"""What every learner takes and every model gives."""

from pathlib import Path
from typing import ClassVar, Protocol, Self

from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.privacy.privacy_loss import PrivacyLoss
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, PrivacyStatement, Unit


class Model(Protocol):
    """A trained model. Everything it holds may be published on the terms of its statement."""

    name: ClassVar[str]
    title: ClassVar[str]
    statement: PrivacyStatement

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        """Learns from `rows`, of which no unit has more than `unit.most_rows`, at the price of `budget`.

        Rows of any number and labels of one class only give a model, if a poor one.
        """

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> PrivacyLoss | None:
        """What `fit` with these will cost each unit, known beforehand; None where it is not private."""

    def log_odds(self, x: Matrix) -> Vector:
        """(n, width) -> (n,) the log-odds of a purchase."""

    def save(self, folder: Path) -> None:
        """Writes the parameters into `folder`, which exists."""

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        """The inverse of `save`."""
