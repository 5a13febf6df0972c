"""Bounds what one unit contributes. Pure but for the randomness."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml.features.rows import Rows
from ml.privacy.randomness import Randomness


def bounded(rows: Rows, most: int, randomness: Randomness) -> Rows:
    """Returns at most `most` rows of each unit, drawn at random, in random order.

    Which rows of a unit are kept does not depend on other units, so adding or removing another unit changes
    nothing for this one.
    """
    if most < 1:
        raise ValueError(f"the bound on the rows of a unit is {most}; it must be at least 1")
    shuffled = np.argsort(randomness.uniform(len(rows)), kind="stable")
    by_unit = shuffled[np.argsort(rows.unit[shuffled], kind="stable")]
    kept = by_unit[_rank_within(rows.unit[by_unit]) < most]
    return rows.take(kept)


def weights(unit: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Returns 1 / (rows of the same unit) for each row. The weights of a unit sum to 1, so that a weighted
    sum of vectors no longer than c has sensitivity c, no matter how many rows a unit has."""
    _, inverse, counts = np.unique(unit, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[inverse])


def _rank_within(groups: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Returns 0, 1, 2, ... within each run of equal values."""
    if not len(groups):
        return np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    lengths = np.diff(np.append(starts, len(groups)))
    return np.arange(len(groups)) - np.repeat(starts, lengths)
