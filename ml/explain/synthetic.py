"""Rows nobody is behind: drawn from the public schema alone, so that explaining them tells of no one."""

import numpy as np

from ml.features.encoding import Encoding, Matrix
from ml.models.random_trees import SKEW
from ml.privacy.randomness import Randomness


def rows(encoding: Encoding, count: int, randomness: Randomness) -> Matrix:
    """(count, width): features independent of one another, words with equal chances, numbers crowding at the
    lower end of their bounds as the thresholds of the random trees do."""
    x = np.zeros((count, encoding.width), dtype=np.float32)
    for span in encoding.spans.values():
        width = span.stop - span.start
        if encoding.is_numeric[span.start]:
            x[:, span.start] = randomness.uniform(count) ** SKEW
        else:
            word = np.minimum((randomness.uniform(count) * width).astype(np.int64), width - 1)
            x[np.arange(count), span.start + word] = 1.0
    return x
