"""Repeatable randomness, for tests and laboratory figures, never for a release.

It is a separate module so that import-linter can forbid it in everything that releases (`pyproject.toml`).
"""

import numpy as np

from ml.privacy.randomness import Floats, Integers


class SeededRandomness:
    """Draws the same numbers for the same seed."""

    def __init__(self, seed: int) -> None:
        self.seed: int | None = seed
        self._generator = np.random.default_rng(seed)

    def uniform(self, count: int) -> Floats:
        return np.maximum(self._generator.random(count), 2.0**-54)

    def normal(self, count: int) -> Floats:
        return self._generator.standard_normal(count)

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        return values + np.rint(self._generator.normal(0.0, scale, len(values))).astype(np.int64)
