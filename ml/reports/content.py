"""The content of a public report as data: the page is rendered from this alone.

Everything in it is computed from private models, the public schema, made-up visits and simulated sessions. No
visitor's row is read; `tests/unit/reports/test_reconstruction.py` attacks it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from ml.explain.attribution import Attribution, explain, interactions
from ml.explain.plain_words import values_of
from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.schema import Numeric, title
from ml.models.boosted_trees import BoostedTrees
from ml.models.interface import Model
from ml.privacy.statement import PrivacyStatement
from ml.reports import findings
from ml.reports.findings import Pair, Story
from ml.reports.price import Price


class Run(Struct, frozen=True):
    """The run that trained the models, and its privacy parameters."""

    run_id: str
    created: str
    """ISO 8601, UTC."""
    epsilon: float
    delta: float
    unit: str


class Measured(Struct, frozen=True):
    """A differentially private estimate on the run's test users, charged to the privacy budget."""

    model: str
    roc_auc: float
    noise: float
    """Standard deviation of `roc_auc` that is due to the noise."""


class Ranked(Struct, frozen=True):
    """A feature and its mean effect on the log-odds, by model."""

    feature: str
    title: str
    importance: dict[str, float]
    direction: str
    """The direction of its effect in the best private model, in words."""


class Dependence(Struct, frozen=True):
    """How one feature's value changes the log-odds of the made-up visits."""

    feature: str
    title: str
    logarithmic: bool
    values: list[Any]
    """One number or word per visit."""
    shap: dict[str, list[float]]


class Content(Struct, frozen=True):
    """The report."""

    run: Run
    explained: int
    """Number of explained made-up visits; `background` others are the background set."""
    background: int
    storyteller: str
    """The model whose directions and stories are shown."""
    residuals: dict[str, float]
    """By model: the largest gap between a prediction and the sum of its explanation, in log-odds."""
    ranking: list[Ranked]
    dependences: list[Dependence]
    pairs: list[Pair]
    together: float
    """Share of the effect on the trees' log-odds that is due to pairs of features."""
    stories: list[Story]
    price: Price
    measured: list[Measured]
    statements: list[PrivacyStatement]
    """Of the explained private models."""


def gather(
    run: Run,
    models: Mapping[str, Model],
    encoding: Encoding,
    x: Matrix,
    background: Matrix,
    price: Price,
    measured: list[Measured],
) -> tuple[Content, dict[str, Attribution]]:
    """Explains the private `models` on the rows `x`; returns the report's content and the explanations."""
    attributions = {name: explain(model, x, background, encoding) for name, model in models.items()}
    best = price.best if price.best in models else next(iter(models))
    order = findings.ranked(attributions)
    pairs, together = _pairs(models, encoding, x, background, attributions)
    features = encoding.schema.features
    ranking = [
        Ranked(
            features[k].name,
            title(features[k]),
            {name: float(findings.importance(a)[k]) for name, a in attributions.items()},
            findings.direction(features[k], encoding, x, attributions[best].values[:, k]),
        )
        for k in order
    ]
    content = Content(
        run=run,
        explained=len(x),
        background=len(background),
        storyteller=best,
        residuals={name: a.residual for name, a in attributions.items()},
        ranking=ranking,
        dependences=[_dependence(k, encoding, x, attributions) for k in order[: findings.SHOWN]],
        pairs=pairs,
        together=together,
        stories=findings.stories(encoding, x, attributions[best]),
        price=price,
        measured=measured,
        statements=[model.statement for model in models.values()],
    )
    return content, attributions


def _pairs(
    models: Mapping[str, Model],
    encoding: Encoding,
    x: Matrix,
    background: Matrix,
    attributions: Mapping[str, Attribution],
) -> tuple[list[Pair], float]:
    """Returns the strongest pairs of features, and the share of pairs in all effects, for the boosted trees,
    whose interactions are exact."""
    trees = next((model for model in models.values() if isinstance(model, BoostedTrees)), None)
    if trees is None:
        return [], 0.0
    values = interactions(trees, x, background, encoding)
    # A Shapley value contains half of each interaction of its feature.
    alone = attributions[trees.name].values - values.sum(axis=2) / 2
    jointly, singly = _size(values) / 2, _size(alone)
    return findings.pairs(encoding, x, values), jointly / max(jointly + singly, 1e-300)


def _size(values: Vector) -> float:
    """Returns the mean over rows of the summed absolute values."""
    return float(np.abs(values).reshape(len(values), -1).sum(axis=1).mean())


def _dependence(k: int, encoding: Encoding, x: Matrix, attributions: Mapping[str, Attribution]) -> Dependence:
    feature = encoding.schema.features[k]
    numeric = isinstance(feature, Numeric)
    column = values_of(feature, encoding, x)
    return Dependence(
        feature.name,
        title(feature),
        logarithmic=isinstance(feature, Numeric) and feature.scale == "log",
        values=[round(float(value), 4) for value in column] if numeric else list(column),
        shap={name: np.round(a.values[:, k], 4).tolist() for name, a in attributions.items()},
    )


def table(encoding: Encoding, x: Matrix, attributions: Mapping[str, Attribution]) -> list[dict[str, Any]]:
    """Returns the made-up visits for the CSV, one per row: every feature's value, each model's log-odds and
    SHAP values."""
    features = encoding.schema.features
    columns: dict[str, Any] = {feature.name: values_of(feature, encoding, x) for feature in features}
    for name, a in attributions.items():
        columns[f"log_odds_{name}"] = a.log_odds
        for k, feature in enumerate(features):
            columns[f"shap_{name}_{feature.name}"] = a.values[:, k]
    rounded = {
        name: column if isinstance(column, list) else np.round(column, 5).tolist()
        for name, column in columns.items()
    }
    return [dict(zip(rounded, row, strict=True)) for row in zip(*rounded.values(), strict=True)]
