"""The price of privacy, measured on simulated sessions, where it reveals nothing about a person.

Exact figures on real test users are not private, and the model without privacy must not leave the trusted
side. So the public report trains all models again, with the run's epsilon, on sessions of the public
simulator. The figures compare the *methods* on a shop of that kind and size, and reveal nothing about the
real visitors.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from sklearn.metrics import roc_auc_score

from ml.features.encoding import Encoding, Vector
from ml.features.rows import Rows
from ml.features.schema import Categorical, title
from ml.models import model_store
from ml.models.interface import Model
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated
from ml.release.table import Result, fit_and_measure

SESSIONS = 20_000
SEED = 7
_FEWEST = 30
"""Sessions with a purchase, and without, that a group must have to be measured."""


class Group(Struct, frozen=True):
    """Visits with the same value of a feature, and how well each model ranks them."""

    feature: str
    word: str
    share: float
    """Share of all visits."""
    roc_auc: dict[str, float]


class Price(Struct, frozen=True):
    """The results of every model on the same simulated sessions."""

    sessions: int
    tested_on: int
    results: list[Result]
    groups: list[Group]

    @property
    def ceiling(self) -> float | None:
        """ROC AUC without privacy."""
        return next(result.roc_auc for result in self.results if result.model == model_store.NON_PRIVATE.name)

    @property
    def best(self) -> str:
        """The private model with the highest ROC AUC."""
        private = [result for result in self.results if result.private]
        return max(private, key=lambda result: result.roc_auc or 0.0).model

    def of(self, model: str) -> Result:
        return next(result for result in self.results if result.model == model)

    def given_up(self, model: str) -> float | None:
        """Returns the price of privacy: ROC AUC of the non-private baseline less that of `model`."""
        auc = self.of(model).roc_auc
        return None if auc is None or self.ceiling is None else self.ceiling - auc


def measure(encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness, sessions: int) -> Price:
    """Trains all kinds of models on four fifths of the simulated users and tests them on the rest."""
    train, test = simulated.split(simulated.rows(encoding, sessions, SEED))
    models: list[Model] = []
    kinds = [*model_store.PRIVATE, model_store.NON_PRIVATE, model_store.BASELINE]
    results = fit_and_measure(kinds, train, test, encoding, budget, unit, randomness, keep=models.append)
    log_odds = {model.name: model.log_odds(test.x) for model in models}
    return Price(sessions, len(test), results, _groups(encoding, test, log_odds))


def _groups(encoding: Encoding, test: Rows, log_odds: dict[str, Vector]) -> list[Group]:
    groups = []
    for feature in encoding.schema.features:
        if isinstance(feature, Categorical):
            for at, word in enumerate(feature.values, start=encoding.spans[feature.name].start):
                members = test.x[:, at] == 1
                if _both(test.y[members]):
                    auc = {name: _auc(test.y, values, members) for name, values in log_odds.items()}
                    groups.append(Group(title(feature), word, float(members.mean()), auc))
    return groups


def _both(y: npt.NDArray[np.int8]) -> bool:
    return min(int(y.sum()), int((1 - y).sum())) >= _FEWEST


def _auc(y: npt.NDArray[np.int8], values: Vector, members: npt.NDArray[np.bool_]) -> float:
    return float(roc_auc_score(y[members], values[members]))


def uneven(groups: Sequence[Group], private: str, ceiling: str) -> list[tuple[Group, float]]:
    """Returns the groups with the price of privacy in each, highest first."""
    prices = [(group, group.roc_auc[ceiling] - group.roc_auc[private]) for group in groups]
    return sorted(prices, key=lambda pair: -pair[1])
