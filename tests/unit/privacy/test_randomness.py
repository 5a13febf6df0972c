"""Where the randomness comes from, and its distributions."""

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from ml.privacy.randomness import SystemRandomness

ROOT = Path(__file__).parents[3]
PRODUCTION = [path for room in ("ml", "stack", "dags", "plugins") for path in (ROOT / room).rglob("*.py")]


def test_the_discrete_gaussian_is_exact() -> None:
    """Canonne, Kamath, Steinke 2020: probability proportional to exp(-k^2 / (2 scale^2)) on the integers, so
    `scale` is the standard deviation but for a hair."""
    scale, count = 1.7, 20_000
    drawn = SystemRandomness().with_gaussian(np.zeros(count, dtype=np.int64), scale)
    places = np.arange(-6, 7)
    weight = np.exp(-(np.arange(-60, 61) ** 2) / (2 * scale**2))
    expected = np.exp(-(places**2) / (2 * scale**2)) / weight.sum()
    seen = np.array([(drawn == place).sum() for place in places])
    rest = count - seen.sum(), count * (1 - expected.sum())
    assert chisquare([*seen, rest[0]], [*(count * expected), rest[1]]).pvalue > 1e-6


def test_noise_is_added_to_the_values_and_is_fresh() -> None:
    values = np.array([0, 5, -(2**40)], dtype=np.int64)
    one, other = (SystemRandomness().with_gaussian(values, 100.0) for _ in range(2))
    assert (one != other).any()
    assert (np.abs(one - values) < 2_000).all()


@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_the_system_never_repeats_itself(kind: str) -> None:
    one, other = (getattr(SystemRandomness(), kind)(100) for _ in range(2))
    assert not np.isin(one, other).any()
    assert np.isfinite(one).all()


def test_no_release_draws_from_a_seeded_generator() -> None:
    """import-linter forbids `ml.privacy.seeded` to all that releases; this holds the dags, which it does not
    see, and generators made on the spot."""
    assert PRODUCTION
    for path in PRODUCTION:
        if path == ROOT / "ml/privacy/seeded.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = {str(getattr(node, part, None)) for part in ("id", "attr", "module")}
            assert not names & {"SeededRandomness", "ml.privacy.seeded", "default_rng", "RandomState"}, path
