"""Puts SHAP values into words for people who do not know them. Pure."""

from typing import Any

import numpy as np
from msgspec import Struct

from ml.features.encoding import Encoding, Matrix, Vector, from_unit
from ml.features.schema import Feature, Numeric, title


class Reason(Struct, frozen=True):
    """One feature of one visit and its effect."""

    feature: str
    value: str
    shap: float
    """In log-odds."""
    says: str
    """How it changes the odds, in words."""


def reasons(encoding: Encoding, row: Matrix, shap: Vector, most: int) -> list[Reason]:
    """Returns the features with the largest effect on one row's log-odds, strongest first. `row` (1, width),
    `shap` (features,)."""
    features = encoding.schema.features
    return [
        Reason(
            title(features[k]), shown_value(features[k], encoding, row), float(shap[k]), odds(float(shap[k]))
        )
        for k in np.argsort(-np.abs(shap), kind="stable")[:most]
    ]


def odds(shap: float) -> str:
    """Returns how adding `shap` to the log-odds changes the odds, in words."""
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
    """Returns the values of `feature` in encoded rows, decoded: (rows,) numbers or a list of words."""
    span = encoding.spans[feature.name]
    if isinstance(feature, Numeric):
        return from_unit(feature, x[:, span.start].astype(np.float64))
    return [feature.values[row.argmax()] if row.any() else "other" for row in x[:, span]]


def shown_value(feature: Feature, encoding: Encoding, row: Matrix) -> str:
    """Returns the value of `feature` in one row, as text."""
    value = values_of(feature, encoding, row)[0]
    if isinstance(feature, Numeric):
        return f"{value:.2g}" if feature.upper <= 1 else f"{value:,.0f}"
    return word(feature, str(value))


def word(feature: Feature, value: str) -> str:
    """Returns yes or no for a feature with only one value, otherwise the value."""
    if not isinstance(feature, Numeric) and len(feature.values) == 1:
        return "no" if value == "other" else "yes"
    return value
