"""The report's findings: rankings, directions, stories and pairs of features."""

import numpy as np
from msgspec import Struct

from ml.explain.attribution import Attribution
from ml.explain.plain_words import Reason, probability, reasons, values_of, word
from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.schema import Feature, Numeric, title

RANKED = 10
SHOWN = 6
PAIRS = 6
_REASONS = 4
_FAINT = 0.01
"""Differences in log-odds below this are not shown as an effect."""


class Story(Struct, frozen=True):
    """One made-up visit, its predicted probability, and the reasons for it."""

    kind: str
    probability: float
    reasons: list[Reason]


class Pair(Struct, frozen=True):
    """Two features with an interaction: an effect that neither has without the other."""

    first: str
    second: str
    strength: float
    """Mean |interaction|, in log-odds."""
    says: str


def importance(attribution: Attribution) -> Vector:
    """Returns (features,) the mean |SHAP value|."""
    return np.asarray(np.abs(attribution.values).mean(axis=0))


def ranked(attributions: dict[str, Attribution]) -> list[int]:
    """Returns the first RANKED features by their mean importance, each model with the same weight."""
    shares = [importance(a) / max(importance(a).sum(), 1e-12) for a in attributions.values()]
    return [int(k) for k in np.argsort(-np.mean(shares, axis=0), kind="stable")[:RANKED]]


def direction(feature: Feature, encoding: Encoding, x: Matrix, shap: Vector) -> str:
    """Returns the direction of the feature's effect, in words."""
    if isinstance(feature, Numeric):
        value = x[:, encoding.spans[feature.name].start]
        low, high = (
            shap[value <= np.quantile(value, 0.25)].mean(),
            shap[value >= np.quantile(value, 0.75)].mean(),
        )
        if abs(high - low) < 0.05:
            return "no clear direction"
        return f"{'higher' if high > low else 'lower'} values make a purchase more likely"
    words = np.array(values_of(feature, encoding, x))
    means = {one: float(shap[words == one].mean()) for one in dict.fromkeys(words)}
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    return f"a purchase is most likely with {word(feature, best)}, least likely with {word(feature, worst)}"


def stories(encoding: Encoding, x: Matrix, attribution: Attribution) -> list[Story]:
    """Returns a likely, an undecided and an unlikely buyer among the made-up visits."""
    order = np.argsort(attribution.log_odds)
    picks = {"A likely buyer": 0.98, "Could go either way": 0.75, "Just looking": 0.1}
    found = []
    for kind, quantile in picks.items():
        row = int(order[int(quantile * (len(order) - 1))])
        why = reasons(encoding, x[row : row + 1], attribution.values[row], _REASONS)
        found.append(Story(kind, probability(float(attribution.log_odds[row])), why))
    return found


def pairs(encoding: Encoding, x: Matrix, interactions: Vector) -> list[Pair]:
    """Returns the strongest pairs, from (rows, features, features) interaction values."""
    features = encoding.schema.features
    strength = np.abs(interactions).mean(axis=0)
    firsts, seconds = np.triu_indices(len(features), 1)
    order = np.argsort(-strength[firsts, seconds], kind="stable")[:PAIRS]
    return [
        Pair(
            title(features[i]),
            title(features[j]),
            float(strength[i, j]),
            _together(features[i], features[j], encoding, x, interactions[:, i, j]),
        )
        for i, j in zip(firsts[order], seconds[order], strict=True)
    ]


def _together(one: Feature, other: Feature, encoding: Encoding, x: Matrix, value: Vector) -> str:
    """Returns the effect of a pair in words; for two numbers, the effect if both are high."""
    if not (isinstance(one, Numeric) and isinstance(other, Numeric)):
        return "the effect of one depends on the value of the other"
    columns = [x[:, encoding.spans[feature.name].start] for feature in (one, other)]
    both_high = np.all([column >= np.quantile(column, 0.6) for column in columns], axis=0)
    if not both_high.any() or abs(effect := float(value[both_high].mean())) < _FAINT:
        return "hardly any effect beyond the sum of the two"
    return (
        f"if both are high, a {'larger' if effect > 0 else 'smaller'} score than the sum of the two effects"
    )
