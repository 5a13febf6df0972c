"""SHAP values of each kind of model: exact where they can be, with the residual where they cannot.

All are interventional (Janzing, Minorics, Blöbaum 2020): how much a feature's value moves the log-odds away
from their mean over a background set, other features being drawn from it. The values of a row and the base
sum to its log-odds.
"""

from dataclasses import dataclass

import numpy as np

from ml.features.encoding import Encoding, Matrix, Vector
from ml.models.boosted_trees import BoostedTrees
from ml.models.interface import Model
from ml.models.logistic_regression import LogisticRegression
from ml.models.neural_network import NeuralNetwork

_PATH_STEPS = 24
_AT_ONCE = 64


@dataclass(frozen=True)
class Attribution:
    """Why a model says what it says of some rows."""

    base: float
    """Mean log-odds over the background."""
    values: Vector
    """(rows, features), in log-odds; a feature's value is the sum of its inputs' values."""
    log_odds: Vector
    """(rows,) what the model says."""

    @property
    def residual(self) -> float:
        """The largest gap between a row's log-odds and the sum of its explanation."""
        return float(np.abs(self.base + self.values.sum(axis=1) - self.log_odds).max())


def explain(model: Model, x: Matrix, background: Matrix, encoding: Encoding) -> Attribution:
    """Raises TypeError for a kind of model that has no explanation."""
    if isinstance(model, BoostedTrees):
        inputs = _trees(model, x, background)
    elif isinstance(model, LogisticRegression):
        inputs = _linear(model, x, background)
    elif isinstance(model, NeuralNetwork):
        inputs = _expected_gradients(model, x, background)
    else:
        raise TypeError(f"{model.name} is not explained: only private models are")
    return Attribution(
        base=float(model.log_odds(background).mean()),
        values=encoding.sum_by_feature(inputs),
        log_odds=model.log_odds(x),
    )


def _trees(model: BoostedTrees, x: Matrix, background: Matrix) -> Vector:
    """Exact (Lundberg et al. 2020, interventional TreeSHAP)."""
    import shap

    explainer = shap.TreeExplainer(model.booster, background, feature_perturbation="interventional")
    return np.asarray(explainer.shap_values(x), dtype=np.float64)


def _linear(model: LogisticRegression, x: Matrix, background: Matrix) -> Vector:
    """Exact in the scaled row that the coefficients multiply. The bias input is scaled with the others; what
    little it differs between rows is shared out among them in proportion to their size."""
    scaled, mean = model.scaled(x), model.scaled(background).mean(axis=0)
    parts = (scaled - mean) * model.coefficients
    inputs, bias = parts[:, :-1], parts[:, -1:]
    size = np.abs(inputs)
    return np.asarray(inputs + bias * size / np.maximum(size.sum(axis=1, keepdims=True), 1e-300))


def _expected_gradients(model: NeuralNetwork, x: Matrix, background: Matrix) -> Vector:
    """Integrated gradients from every background row, averaged (Erion et al. 2021), the path integral by the
    midpoint rule: what is left over is the residual."""
    w1, b1, w2 = (model.parameters[name] for name in ("w1", "b1", "w2"))
    # The network's first layer is linear along a path, so only hidden values need to be walked through.
    start = (background.astype(np.float64) - 0.5) @ w1 + b1
    steps = (np.arange(_PATH_STEPS) + 0.5) / _PATH_STEPS
    values = np.zeros(x.shape)
    for first in range(0, len(x), _AT_ONCE):
        part = x[first : first + _AT_ONCE].astype(np.float64)
        end = (part - 0.5) @ w1 + b1
        slope = np.zeros((len(part), len(background), w1.shape[1]))
        for step in steps:
            hidden = start[None] + step * (end[:, None] - start[None])
            slope += 1 - np.tanh(hidden) ** 2
        gradient = (slope * w2 / _PATH_STEPS) @ w1.T
        difference = part[:, None] - background[None]
        values[first : first + _AT_ONCE] = (difference * gradient).mean(axis=1)
    return values
