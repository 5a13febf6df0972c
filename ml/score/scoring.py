"""A model's predictions for single rows, with the reasons."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from ml.explain import synthetic
from ml.explain.attribution import explain
from ml.explain.plain_words import Reason, probability, reasons
from ml.features.encoding import Encoding
from ml.models.interface import Model
from ml.privacy.randomness import Randomness

BACKGROUND = 512
"""Number of made-up visits that an explanation compares with, so that no other person's row is read."""


class Score(Struct, frozen=True):
    """A model's prediction for one session, with the reasons. It reveals information about a person, so it
    never leaves the trusted side."""

    score: float
    """Probability of a purchase."""
    log_odds: float
    base: float
    """Mean log-odds of the made-up visits."""
    reasons: list[Reason]


def score(
    rows: Sequence[Mapping[str, Any]], model: Model, encoding: Encoding, most: int, randomness: Randomness
) -> list[Score]:
    """Returns one score for each row of the extract's columns, with `most` reasons at most.

    Raises TypeError for a model that is not private."""
    if not rows:
        return []
    x = encoding.encode(
        {feature.name: [row[feature.name] for row in rows] for feature in encoding.schema.features}
    )
    explained = explain(model, x, synthetic.rows(encoding, BACKGROUND, randomness), encoding)
    return [
        Score(
            probability(float(log_odds)),
            float(log_odds),
            explained.base,
            reasons(encoding, x[k : k + 1], explained.values[k], most),
        )
        for k, log_odds in enumerate(explained.log_odds)
    ]
