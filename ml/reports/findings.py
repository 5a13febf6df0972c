"""What the report says, worked out before it is drawn: rankings, dependences, stories, the price of
privacy."""

import numpy as np
from msgspec import Struct

from ml.explain.attribution import Attribution
from ml.explain.plain_words import Reason, probability, reasons, values_of, word
from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.schema import Feature, Numeric, title

RANKED = 10
SHOWN = 6
_REASONS = 4


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
    return f"{name}: {word(feature, best)} speaks for a purchase most, {word(feature, worst)} least"


def stories(encoding: Encoding, x: Matrix, attribution: Attribution) -> list[Story]:
    """A likely, a middling and an unlikely buyer among the made-up visits."""
    order = np.argsort(attribution.log_odds)
    picks = {"A likely buyer": 0.98, "Could go either way": 0.75, "Just looking": 0.1}
    told = []
    for kind, quantile in picks.items():
        row = int(order[int(quantile * (len(order) - 1))])
        why = reasons(encoding, x[row : row + 1], attribution.values[row], _REASONS)
        told.append(Story(kind, probability(float(attribution.log_odds[row])), why))
    return told
