"""Sums by bin, released with discrete Gaussian noise. Pure but for the dice.

Guarantee: where the (parts, bin) vectors of one unit are together no longer than c (L2), whatever bins they
fall into, and units are added or removed whole, one call is (c / noise)-GDP. The sums are exact integers of
2^-24, so that their order does not matter, and rounding towards zero lengthens nothing; the noise is added to
the integers before anything is seen of them (Canonne, Kamath, Steinke 2020: The Discrete Gaussian). The
accounting is that of the continuous Gaussian, of which the grid is a very fine copy.
"""

import numpy as np
import numpy.typing as npt

from ml.privacy.randomness import Floats, Integers, Randomness

GRID = 2.0**24
"""Steps of a sum in one."""


def noisy_sums(
    parts: npt.NDArray[np.float64], at: Integers, bins: int, noise: float, randomness: Randomness
) -> Floats:
    """(k, rows) numbers and (rows,) the bin each row falls into -> (k, bins) sums with Gaussian noise of
    standard deviation `noise` on each."""
    # Whole numbers, and so exact in any order, as long as a sum stays below 2^53.
    exact = np.stack([np.bincount(at, np.trunc(part * GRID), bins) for part in parts]).astype(np.int64)
    noisy = randomness.with_gaussian(exact.ravel(), noise * GRID)
    return np.asarray(noisy.reshape(exact.shape) / GRID)
