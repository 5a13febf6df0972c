"""Randomness from the operating system, on which privacy depends. `ml.privacy.seeded` has a seeded source."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


class Randomness(Protocol):
    """A source of random numbers for mechanisms."""

    seed: int | None
    """For libraries that draw their own numbers: with None they use the operating system's randomness."""

    def uniform(self, count: int) -> Floats:
        """Returns `count` numbers, uniform on the open interval (0, 1)."""

    def normal(self, count: int) -> Floats:
        """Returns `count` standard normal numbers."""

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        """Returns `values` plus discrete Gaussian noise of standard deviation `scale`."""


class SystemRandomness:
    """The operating system's cryptographic source, and OpenDP's exact sampler for discrete Gaussians."""

    seed: int | None = None

    def uniform(self, count: int) -> Floats:
        bits = np.frombuffer(os.urandom(8 * count), dtype=np.uint64) >> np.uint64(11)
        return np.asarray((bits + 0.5) * 2.0**-53)

    def normal(self, count: int) -> Floats:
        return np.asarray(ndtri(self.uniform(count)))

    def with_gaussian(self, values: Integers, scale: float) -> Integers:
        return np.array(_opendp_gaussian(scale)(values.tolist()), dtype=np.int64)


def _opendp_gaussian(scale: float) -> Any:
    import opendp.prelude as dp

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=dp.i64)), dp.l2_distance(T=float)
    return dp.m.make_gaussian(*space, scale=scale)


def choice(randomness: Randomness, weights: Sequence[float], count: int) -> Integers:
    """Returns `count` indexes, each drawn with a probability proportional to its weight."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative / cumulative[-1], randomness.uniform(count)).astype(np.int64)
