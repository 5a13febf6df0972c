"""Figures of a model on test rows. They are exact, so they are not private themselves."""

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from ml.features.encoding import Vector

_BINS = 10


class Metrics(Struct, frozen=True):
    """A figure is None if it is undefined because all rows are of one class."""

    roc_auc: float | None
    average_precision: float | None
    accuracy: float
    """Of predicting a purchase if its probability is at least 1/2."""
    f1: float
    """Of the same prediction; 0 if no purchase is predicted."""
    calibration_error: float
    """Expected calibration error: mean |predicted - observed share| over ten equally filled bins."""


def measure(y: npt.NDArray[np.int8], log_odds: Vector) -> Metrics:
    """Returns the figures for (n,) labels and (n,) predictions, n at least 1."""
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    both = 0 < y.mean() < 1
    called = probability >= 0.5
    return Metrics(
        roc_auc=float(roc_auc_score(y, log_odds)) if both else None,
        average_precision=float(average_precision_score(y, log_odds)) if both else None,
        accuracy=float((called == y).mean()),
        f1=float(f1_score(y, called, zero_division=0.0)),
        calibration_error=calibration_error(y, probability),
    )


def calibration_error(y: npt.NDArray[np.int8], probability: Vector) -> float:
    """Returns the sum over bins of share of rows * |mean probability - share of yes| (Naeini et al. 2015)."""
    order = np.argsort(probability, kind="stable")
    bins = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(len(part) * abs(probability[part].mean() - y[part].mean()) for part in bins) / len(y))
