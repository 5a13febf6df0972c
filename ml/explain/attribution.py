"""SHAP values of each kind of model, exact against a background set, with the remaining residual.

All are interventional (Janzing, Minorics, Blöbaum 2020): how much a feature's value moves the log-odds away
from their mean over a background set, other features being drawn from it. The values of a row and the base
sum to its log-odds.
"""

from dataclasses import dataclass

import numpy as np

from ml.explain import tree_shapley
from ml.explain.path_gradients import expected_gradients
from ml.explain.tree_paths import Integers
from ml.features.encoding import Encoding, Matrix, Vector, by_input
from ml.models import neural_network
from ml.models.boosted_trees import BoostedTrees
from ml.models.interface import Model
from ml.models.logistic_regression import LogisticRegression
from ml.models.neural_network import NeuralNetwork


@dataclass(frozen=True)
class Attribution:
    """The explanation of a model's predictions on some rows."""

    base: float
    """Mean log-odds over the background."""
    values: Vector
    """(rows, features), in log-odds; a feature's value is that of all its inputs."""
    log_odds: Vector
    """(rows,) the model's predictions."""

    @property
    def residual(self) -> float:
        """The largest gap between a row's log-odds and the sum of its explanation."""
        return float(np.abs(self.base + self.values.sum(axis=1) - self.log_odds).max())


def explain(model: Model, x: Matrix, background: Matrix, encoding: Encoding) -> Attribution:
    """Explains the predictions of `model` on the rows `x`. Raises TypeError for a model that is not
    private."""
    if isinstance(model, BoostedTrees):
        values = tree_shapley.shapley(model.booster, x, background, features_of_inputs(encoding))
    elif isinstance(model, LogisticRegression):
        values = encoding.sum_by_feature(_linear(model, x, background))
    elif isinstance(model, NeuralNetwork):
        values = encoding.sum_by_feature(_network(model, x, background))
    else:
        raise TypeError(f"{model.name} cannot be explained: only private models can")
    return Attribution(
        base=float(model.log_odds(background).mean()), values=values, log_odds=model.log_odds(x)
    )


def interactions(model: BoostedTrees, x: Matrix, background: Matrix, encoding: Encoding) -> Vector:
    """Returns (rows, features, features), exact: the effect of two features together beyond that of each."""
    return tree_shapley.interactions(model.booster, x, background, features_of_inputs(encoding))


def features_of_inputs(encoding: Encoding) -> Integers:
    """Returns (width,) the index of the feature that each input belongs to."""
    return np.repeat(
        np.arange(len(encoding.spans)), [span.stop - span.start for span in encoding.spans.values()]
    )


def _linear(model: LogisticRegression, x: Matrix, background: Matrix) -> Vector:
    """Exact in the scaled row that the coefficients multiply. The bias input is scaled with the others; the
    small differences of its contribution between rows are distributed over the others in proportion to their
    size."""
    scaled, mean = model.scaled(x), model.scaled(background).mean(axis=0)
    parts = (scaled - mean) * model.coefficients
    inputs, bias = by_input(parts[:, :-1], model.is_numeric), parts[:, -1:]
    size = np.abs(inputs)
    return np.asarray(inputs + bias * size / np.maximum(size.sum(axis=1, keepdims=True), 1e-300))


def _network(model: NeuralNetwork, x: Matrix, background: Matrix) -> Vector:
    """Exact expected gradients. They are not Shapley values, but like these they sum to the log-odds."""
    w1, b1, w2 = (model.parameters[name] for name in ("w1", "b1", "w2"))
    given, others = (neural_network.inputs(rows, model.is_numeric) for rows in (x, background))
    return by_input(expected_gradients(given, others, w1, b1, w2), model.is_numeric)
