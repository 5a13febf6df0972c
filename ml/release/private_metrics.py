"""Differentially private figures of a model, computed from a noisy histogram of its scores.

The rows of a test unit have a total weight of 1, so a unit changes the histogram of a model by at most 1
(L2). Gaussian noise of standard deviation `noise` on each count makes the histograms of k models (sqrt(k) /
noise)-GDP. Everything else is computed from the noisy counts and costs nothing more.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from ml.features.encoding import Vector
from ml.features.rows import Rows
from ml.privacy import contributions
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.privacy_loss import GaussianLoss
from ml.privacy.randomness import Randomness

EDGES = (0, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
"""Edges of the bins of predicted probability. Public, and the same for every model."""
_AGAIN = 200


class PrivateMetrics(Struct, frozen=True):
    """Differentially private figures of one model; None if the noise is too large."""

    roc_auc: float | None
    roc_auc_noise: float | None
    """Standard deviation of `roc_auc` that is due to the noise."""
    average_precision: float | None
    accuracy: float | None
    f1: float | None
    calibration_error: float | None
    """Against the middle of each bin."""
    yes: list[float]
    """(bins,) noisy weight of test rows with a purchase, by predicted probability."""
    no: list[float]
    """The same for rows without a purchase."""
    noise: float
    """Standard deviation of the noise on each count."""


def private_metrics(
    test: Rows, log_odds: Mapping[str, Vector], loss: GaussianLoss, randomness: Randomness
) -> dict[str, PrivateMetrics]:
    """Returns the figures of each model by name. Together they cost each unit `loss`."""
    noise = float(np.sqrt(len(log_odds))) / loss.mu
    weight = contributions.weights(test.unit)
    parts = np.stack([weight * (test.y == 1), weight * (test.y == 0)])
    return {
        name: _figures(noisy_sums(parts, _bin(values), len(EDGES) - 1, noise, randomness), noise, randomness)
        for name, values in log_odds.items()
    }


def _bin(log_odds: Vector) -> Any:
    probability = 1 / (1 + np.exp(-np.clip(log_odds, -500, 500)))
    return np.clip(np.searchsorted(EDGES, probability, side="right") - 1, 0, len(EDGES) - 2)


def _figures(counts: Vector, noise: float, randomness: Randomness) -> PrivateMetrics:
    kept = {"yes": np.round(counts[0], 3).tolist(), "no": np.round(counts[1], 3).tolist(), "noise": noise}
    yes, no = counts.sum(axis=1)
    if min(yes, no) < 3 * noise * np.sqrt(counts.shape[1]):
        return PrivateMetrics(None, None, None, None, None, None, **kept)
    repeated = [
        roc_auc(counts + noise * randomness.normal(counts.size).reshape(counts.shape)) for _ in range(_AGAIN)
    ]
    called = np.array(EDGES[:-1]) >= 0.5
    right = counts[0, called].sum() + counts[1, ~called].sum()
    wrong = counts[1, called].sum() + counts[0, ~called].sum()
    middle = (np.array(EDGES[:-1]) + np.array(EDGES[1:])) / 2
    found = max(0.0, counts[0, called].sum())
    return PrivateMetrics(
        roc_auc=roc_auc(counts),
        roc_auc_noise=float(np.std(repeated)),
        average_precision=average_precision(counts),
        accuracy=_share(right / (yes + no)),
        f1=_share(2 * found / max(2 * found + wrong, 1e-12)),
        calibration_error=_share(np.abs(middle * counts.sum(axis=0) - counts[0]).sum() / (yes + no)),
        **kept,
    )


def roc_auc(counts: Vector) -> float:
    """(2, bins) numbers of yes and no, by rising score -> the chance that a yes scores higher than a no; a
    tie counts half."""
    yes, no = counts
    below = np.cumsum(no) - no / 2
    return _share((yes * below).sum() / (yes.sum() * no.sum()))


def average_precision(counts: Vector) -> float:
    """Returns the precision at each bin's lower edge, weighted by the share of yes in the bin."""
    yes, no = counts[:, ::-1]
    both = np.cumsum(yes) + np.cumsum(no)
    precision = np.clip(np.cumsum(yes) / np.where(both > 0, both, np.inf), 0, 1)
    return _share((precision * yes).sum() / yes.sum())


def _share(value: Any) -> float:
    return float(np.clip(value, 0, 1))
