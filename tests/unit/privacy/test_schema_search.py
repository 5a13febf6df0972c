"""Bounds and words found in the data, and what must not be found."""

import math

import numpy as np
import pytest
from scipy.stats import norm

from ml.features.encoding import numbers
from ml.features.schema import Categorical, Numeric
from ml.privacy import gdp, schema_search
from ml.privacy.schema_search import NothingFound, search
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit

ROW = Unit("row", 1)


def found(
    columns: dict[str, list[str]], epsilon: float = 2.0, seed: int = 0
) -> dict[str, Numeric | Categorical]:
    rows = len(next(iter(columns.values())))
    schema = search(columns, "t", "1", np.ones(rows), Budget(epsilon, 1e-6), ROW, SeededRandomness(seed))
    return {feature.name: feature for feature in schema.features}


def test_numbers_and_words_are_distinguished() -> None:
    rng = np.random.default_rng(0)
    features = found(
        {
            "wide": [str(v) for v in np.exp(rng.normal(4, 2, 5_000))],
            "signed": [str(v) for v in rng.uniform(-3, 3, 5_000)],
            "word": rng.choice(["red", "green"], 5_000).tolist(),
            "nothing": [""] * 5_000,
        }
    )
    wide, signed = features["wide"], features["signed"]
    assert isinstance(wide, Numeric)
    assert wide.scale == "log"
    assert wide.lower == 0
    assert wide.upper >= 256
    assert signed == Numeric("signed", -4, 4)
    assert features["word"] == Categorical("word", ("green", "red"))
    assert "nothing" not in features


def test_bins_contain_the_values_between_their_edges() -> None:
    values = numbers(["0", "1", "1.5", "2", "-1", "1e300", "1e-300"])
    bins = schema_search._bin(values, np.zeros(7, dtype=bool))
    side = len(schema_search._EXPONENTS)
    step = -int(schema_search._EXPONENTS[0]) + 1
    assert bins.tolist() == [side, side + step, side + step, side + step + 1, side - step, 2 * side, side + 1]
    assert schema_search._power(step) == 1.0


def test_a_word_of_one_unit_stays_hidden_as_often_as_delta_says() -> None:
    """With delta raised to .2, half of it for words: a lone word may pass in a tenth of all tries."""
    budget, rows = Budget(50.0, 0.2), 400
    cells = ["common"] * (rows - 1) + ["rare"]
    tries = 1_500
    seen = 0
    for seed in range(tries):
        schema = search({"w": cells}, "t", "1", np.ones(rows), budget, ROW, SeededRandomness(seed))
        (feature,) = schema.features
        assert isinstance(feature, Categorical)
        seen += "rare" in feature.values
    noise = math.sqrt(2) / gdp.mu_of(Budget(50.0, 0.1))
    expected = float(norm.sf((schema_search_threshold(noise) - 1) / noise))
    assert expected == pytest.approx(0.1)
    assert abs(seen / tries - expected) < 5 * math.sqrt(expected * (1 - expected) / tries)


def schema_search_threshold(noise: float) -> float:
    return 1 + noise * float(norm.isf(0.1))


def test_too_much_noise_is_an_error_with_advice() -> None:
    with pytest.raises(NothingFound, match="too few"):
        found({"a": ["1", "2", "3"]}, epsilon=0.1)
