"""What the report says, worked out before it is drawn: rankings, dependences, stories, the price of
privacy."""

from typing import Any

import numpy as np
from msgspec import Struct

from ml.explain.attribution import Attribution
from ml.features.encoding import Encoding, Matrix, Vector, from_unit
from ml.features.schema import Feature, Numeric, title

RANKED = 10
SHOWN = 6
_REASONS = 4


class Reason(Struct, frozen=True):
    """One feature of one visit and what it did."""

    feature: str
    value: str
    shap: float

    @property
    def odds(self) -> str:
        """In words: how it changes the odds."""
        factor = float(np.exp(self.shap))
        if 0.95 < factor < 1.05:
            return "hardly matters"
        if factor >= 2:
            return f"raises the odds {factor:.1f}-fold"
        return (
            f"raises the odds by {factor - 1:.0%}" if factor > 1 else f"lowers the odds by {1 - factor:.0%}"
        )


class Story(Struct, frozen=True):
    """One made-up visit, and why a model thinks of it what it does."""

    kind: str
    probability: float
    reasons: list[Reason]


def importance(attribution: Attribution) -> Vector:
    """(features,) mean |SHAP value|."""
    return np.asarray(np.abs(attribution.values).mean(axis=0))


def ranked(attributions: dict[str, Attribution]) -> list[int]:
    """The features by their mean importance over the models, each model counting alike; the first RANKED."""
    shares = [importance(a) / max(importance(a).sum(), 1e-12) for a in attributions.values()]
    return [int(k) for k in np.argsort(-np.mean(shares, axis=0), kind="stable")[:RANKED]]


def values_of(feature: Feature, encoding: Encoding, x: Matrix) -> Any:
    """The column `feature` of encoded rows, in its own unit: (rows,) numbers or list of words."""
    span = encoding.spans[feature.name]
    if isinstance(feature, Numeric):
        return from_unit(feature, x[:, span.start].astype(np.float64))
    return [feature.values[row.argmax()] if row.any() else "other" for row in x[:, span]]


def direction(feature: Feature, encoding: Encoding, x: Matrix, shap: Vector) -> str:
    """One sentence: which way the feature points."""
    name = title(feature)
    if isinstance(feature, Numeric):
        value = x[:, encoding.spans[feature.name].start]
        low, high = (
            shap[value <= np.quantile(value, 0.25)].mean(),
            shap[value >= np.quantile(value, 0.75)].mean(),
        )
        if abs(high - low) < 0.05:
            return f"{name}: no clear direction"
        return f"{name}: {'more' if high > low else 'less'} of it goes with a purchase"
    words = np.array(values_of(feature, encoding, x))
    means = {word: float(shap[words == word].mean()) for word in dict.fromkeys(words)}
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return f"{name}: {_word(feature, best)} speaks for a purchase most, {_word(feature, worst)} least"


def stories(encoding: Encoding, x: Matrix, attribution: Attribution) -> list[Story]:
    """A likely, a middling and an unlikely buyer among the made-up visits."""
    order = np.argsort(attribution.log_odds)
    picks = {"A likely buyer": 0.98, "Could go either way": 0.75, "Just looking": 0.1}
    told = []
    for kind, quantile in picks.items():
        row = int(order[int(quantile * (len(order) - 1))])
        strongest = np.argsort(-np.abs(attribution.values[row]))[:_REASONS]
        features = encoding.schema.features
        reasons = [
            Reason(
                title(features[k]),
                _told(features[k], encoding, x[row : row + 1]),
                float(attribution.values[row, k]),
            )
            for k in strongest
        ]
        told.append(Story(kind, float(1 / (1 + np.exp(-attribution.log_odds[row]))), reasons))
    return told


def _told(feature: Feature, encoding: Encoding, row: Matrix) -> str:
    value = values_of(feature, encoding, row)[0]
    if isinstance(feature, Numeric):
        return f"{value:.2g}" if feature.upper <= 1 else f"{value:,.0f}"
    return _word(feature, str(value))


def _word(feature: Feature, value: str) -> str:
    """A flag's one value says nothing by itself."""
    if not isinstance(feature, Numeric) and len(feature.values) == 1:
        return "no" if value == "other" else "yes"
    return value
