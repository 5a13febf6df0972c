"""Trains and measures several models on one table."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ml.features.encoding import Encoding
from ml.features.rows import Rows
from ml.models.interface import Model
from ml.privacy import contributions
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, PrivacyStatement, Unit
from ml.release.metrics import Metrics, measure


class Result(msgspec.Struct, frozen=True):
    """The result of one model: its privacy loss and its figures on the test rows."""

    model: str
    private: bool
    epsilon: float | None
    """The requested epsilon; None for the model without privacy. The statement has what is guaranteed."""
    roc_auc: float | None
    average_precision: float | None
    accuracy: float
    f1: float
    calibration_error: float
    seconds: float
    """Duration of the training."""
    statement: PrivacyStatement


def fit_and_measure(
    kinds: Sequence[type[Model]],
    train: Rows,
    test: Rows,
    encoding: Encoding,
    budget: Budget,
    unit: Unit,
    randomness: Randomness,
    keep: Callable[[Model], None] = lambda model: None,
    progress: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Trains each of `kinds` on `train` (contributions bounded first) and measures it on all of `test`. Calls
    `keep` with each model and `progress` with each result."""
    kept = contributions.bounded(train, unit.most_rows, randomness)
    results = []
    for kind in kinds:
        began = time.perf_counter()
        model = kind.fit(kept, encoding, budget, unit, randomness)
        seconds = time.perf_counter() - began
        keep(model)
        result = _result(model, measure(test.y, model.log_odds(test.x)), budget, seconds)
        progress(result)
        results.append(result)
    return results


def _result(model: Model, metrics: Metrics, budget: Budget, seconds: float) -> Result:
    requested: dict[str, Any] = {"epsilon": None if model.name == "xgboost" else budget.epsilon}
    return Result(
        model=model.name,
        private=model.statement.private,
        seconds=round(seconds, 3),
        statement=model.statement,
        **requested,
        **msgspec.structs.asdict(metrics),
    )
