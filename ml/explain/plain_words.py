"""What SHAP values say, for people who never heard of them. Pure."""

from typing import Any

import numpy as np
from msgspec import Struct

from ml.features.encoding import Encoding, Matrix, Vector, from_unit
from ml.features.schema import Feature, Numeric, title


class Reason(Struct, frozen=True):
    """One feature of one visit and what it did."""

    feature: str
    value: str
    shap: float
    """In log-odds."""
    says: str
    """In words: how it changes the odds."""


def reasons(encoding: Encoding, row: Matrix, shap: Vector, most: int) -> list[Reason]:
    """The features that moved one row's log-odds most, strongest first. `row` (1, width), `shap`
    (features,)."""
    features = encoding.schema.features
    return [
        Reason(title(features[k]), told(features[k], encoding, row), float(shap[k]), odds(float(shap[k])))
        for k in np.argsort(-np.abs(shap), kind="stable")[:most]
    ]


def odds(shap: float) -> str:
    """How log-odds of so much change the odds."""
    factor = float(np.exp(shap))
    if 0.95 < factor < 1.05:
        return "hardly matters"
    if factor >= 2:
        return f"raises the odds {factor:.1f}-fold"
    return f"raises the odds by {factor - 1:.0%}" if factor > 1 else f"lowers the odds by {1 - factor:.0%}"


def probability(log_odds: float) -> float:
    """The logistic function, without overflow."""
    return float(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def values_of(feature: Feature, encoding: Encoding, x: Matrix) -> Any:
    """The column `feature` of encoded rows, in its own unit: (rows,) numbers or list of words."""
    span = encoding.spans[feature.name]
    if isinstance(feature, Numeric):
        return from_unit(feature, x[:, span.start].astype(np.float64))
    return [feature.values[row.argmax()] if row.any() else "other" for row in x[:, span]]


def told(feature: Feature, encoding: Encoding, row: Matrix) -> str:
    """The value of `feature` in one row."""
    value = values_of(feature, encoding, row)[0]
    if isinstance(feature, Numeric):
        return f"{value:.2g}" if feature.upper <= 1 else f"{value:,.0f}"
    return word(feature, str(value))


def word(feature: Feature, value: str) -> str:
    """A flag's one value says nothing by itself."""
    if not isinstance(feature, Numeric) and len(feature.values) == 1:
        return "no" if value == "other" else "yes"
    return value
