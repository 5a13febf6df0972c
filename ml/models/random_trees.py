"""Trees whose splits are drawn without looking at any row. Pure but for the dice.

Since the shape of a tree says nothing about the data, its leaf sums are all that has to be paid for.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.features.encoding import Encoding, Matrix
from ml.privacy.randomness import Integers, Randomness, choice

NUMERIC_SHARE = 0.8
"""How often a split asks about a number, where there are words too."""
SKEW = 2.0
"""Thresholds are u**SKEW, u uniform: counts and durations crowd at the lower end of their bounds."""


@dataclass(frozen=True)
class RandomTree:
    """A complete binary tree: node i asks whether input `feature[i]` is at least `threshold[i]`; yes leads to
    2i + 2, no to 2i + 1. (2**depth - 1,) nodes, 2**depth leaves."""

    feature: Integers
    threshold: npt.NDArray[np.float32]

    def leaf(self, x: Matrix) -> Integers:
        """(n, width) -> (n,) the leaf each row falls into, from 0."""
        node = np.zeros(len(x), dtype=np.int64)
        row = np.arange(len(x))
        for _ in range(len(self.feature).bit_length()):
            node = 2 * node + 1 + (x[row, self.feature[node]] >= self.threshold[node])
        return node - len(self.feature)


def grow(encoding: Encoding, depth: int, randomness: Randomness) -> RandomTree:
    """A tree of `depth` levels of splits, drawn within the public bounds: a feature with equal chances among
    its kind, then one of its inputs with equal chances."""
    nodes = 2**depth - 1
    numeric = np.array([encoding.is_numeric[span.start] for span in encoding.spans.values()])
    share = np.where(numeric, NUMERIC_SHARE, 1 - NUMERIC_SHARE)
    if numeric.all() or not numeric.any():
        share = np.ones(len(numeric))
    share = share / np.where(numeric, numeric.sum(), (~numeric).sum())
    chosen = choice(randomness, share.tolist(), nodes)
    spans = list(encoding.spans.values())
    start = np.array([span.start for span in spans])[chosen]
    width = np.array([span.stop - span.start for span in spans])[chosen]
    feature = start + np.minimum((randomness.uniform(nodes) * width).astype(np.int64), width - 1)
    anywhere = randomness.uniform(nodes) ** SKEW
    threshold = np.where(encoding.is_numeric[feature], anywhere, 0.5).astype(np.float32)
    return RandomTree(feature, threshold)
