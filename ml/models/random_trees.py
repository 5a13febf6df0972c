"""Trees whose splits are drawn without reading any row. Pure but for the randomness.

The shape of a tree depends on the data only through the shares of its features, so only these shares and the
leaf sums cost privacy.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.features.encoding import Encoding, Matrix, Vector
from ml.privacy.randomness import Integers, Randomness, choice

SKEW = 2.0
"""Thresholds are u**SKEW, u uniform: counts and durations are mostly near their lower bounds."""

PRESENCE_SHARE = 0.2
"""Share of the splits on numbers that test whether the number is above its lower bound at all."""
_ABOVE = 1e-9
"""Threshold of these splits: above 0 in 32 bits, and below every encoded number above its lower bound."""


@dataclass(frozen=True)
class RandomTree:
    """A complete binary tree: node i tests whether input `feature[i]` is at least `threshold[i]`; yes leads
    to 2i + 2, no to 2i + 1. (2**depth - 1,) nodes, 2**depth leaves."""

    feature: Integers
    threshold: npt.NDArray[np.float32]

    def leaf(self, x: Matrix) -> Integers:
        """(n, width) -> (n,) the leaf that each row falls into, from 0. Fastest if columns are contiguous."""
        yes = x[:, self.feature] >= self.threshold
        node = np.zeros(len(x), dtype=np.int64)
        row = np.arange(len(x))
        for _ in range(len(self.feature).bit_length()):
            node = 2 * node + 1 + yes[row, node]
        return node - len(self.feature)


def grow(encoding: Encoding, shares: Vector, depth: int, randomness: Randomness) -> RandomTree:
    """Draws a tree of `depth` levels of splits within the public bounds: for each split a feature with its
    share as probability, then one of its inputs with equal chances."""
    nodes = 2**depth - 1
    chosen = choice(randomness, shares.tolist(), nodes)
    spans = list(encoding.spans.values())
    start = np.array([span.start for span in spans])[chosen]
    width = np.array([span.stop - span.start for span in spans])[chosen]
    feature = start + np.minimum((randomness.uniform(nodes) * width).astype(np.int64), width - 1)
    anywhere = randomness.uniform(nodes) ** SKEW
    anywhere[randomness.uniform(nodes) < PRESENCE_SHARE] = _ABOVE
    threshold = np.where(encoding.is_numeric[feature], anywhere, 0.5).astype(np.float32)
    return RandomTree(feature, threshold)
