"""Sums by bin, released with discrete Gaussian noise. Pure but for the randomness.

Guarantee: if the (parts, bin) vectors of one unit together are no longer than c (L2), whatever bins they fall
into, one call is (c / noise)-GDP for adding or removing a whole unit. The sums are exact integer multiples of
2^-24, so that they do not depend on the order of rows, and rounding towards zero makes no vector longer. The
noise is added to the integers before anything is released (Canonne, Kamath, Steinke 2020: The Discrete
Gaussian). The accounting is that of the continuous Gaussian, which the grid approximates very closely.
"""

import numpy as np
import numpy.typing as npt

from ml.privacy.randomness import Floats, Integers, Randomness

GRID = 2.0**24
"""Grid steps per 1."""


def noisy_sums(
    parts: npt.NDArray[np.float64], at: Integers, bins: int, noise: float, randomness: Randomness
) -> Floats:
    """(k, rows) numbers and (rows,) the bin of each row -> (k, bins) sums with Gaussian noise of standard
    deviation `noise` on each."""
    # Integers, and so exact in any order, as long as a sum stays below 2^53.
    exact = np.stack([np.bincount(at, np.trunc(part * GRID), bins) for part in parts]).astype(np.int64)
    noisy = randomness.with_gaussian(exact.ravel(), noise * GRID)
    return np.asarray(noisy.reshape(exact.shape) / GRID)
