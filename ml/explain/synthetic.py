"""Made-up rows, drawn from the public schema only, so that explaining them reveals nothing about a person."""

import numpy as np

from ml.features.encoding import Encoding, Matrix
from ml.models.random_trees import SKEW
from ml.privacy.randomness import Randomness


def rows(encoding: Encoding, count: int, randomness: Randomness) -> Matrix:
    """Returns (count, width) made-up rows: features are independent, words have equal chances, and numbers
    are more frequent near their lower bound, like the thresholds of the random trees."""
    x = np.zeros((count, encoding.width), dtype=np.float32)
    for span in encoding.spans.values():
        width = span.stop - span.start
        if encoding.is_numeric[span.start]:
            x[:, span.start] = randomness.uniform(count) ** SKEW
        else:
            word = np.minimum((randomness.uniform(count) * width).astype(np.int64), width - 1)
            x[np.arange(count), span.start + word] = 1.0
    return x
