"""How well each feature alone predicts the label, and how many units there are: one noisy release.

Guarantee: every row adds its weight to one cell (bin, label) of each feature, and the weights of a unit sum
to 1. So adding or removing a unit with all of its rows changes the cells of all features together by at most
sqrt(features) (L2). Gaussian noise of sqrt(features) / mu on each cell makes the release mu-GDP. Everything
computed from it afterwards is post-processing.
"""

import math
from dataclasses import dataclass

import numpy as np

from ml.features.encoding import Encoding, Matrix, Vector
from ml.features.rows import Rows
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.randomness import Integers, Randomness, choice

BINS = 16
"""Bins of a number, of equal width between its bounds."""
NUMERIC_SHARE = 0.8
"""Share of splits on numbers before any row is read, if the schema has word lists too."""
UNSEEN_SHARE = 0.5
"""Part of the shares that does not depend on the rows: some features matter only together with others."""


@dataclass(frozen=True)
class Relevance:
    """The relevance of the features, measured before the model is trained."""

    shares: Vector
    """(features,) the probability with which a split uses each feature; they sum to 1."""
    units: float
    """Noisy number of units, at least 1."""
    counts: tuple[Vector, ...]
    """For each feature the noisy number of units in each of its bins, at least 0; the last bin of a word list
    is for words outside it."""


def measured(rows: Rows, weight: Vector, encoding: Encoding, mu: float, randomness: Randomness) -> Relevance:
    """Measures the relevance of the features; the result is mu-GDP. `weight` (rows,) must be at least 0 and
    sum to 1 over the rows of a unit."""
    spans = list(encoding.spans.values())
    noise = math.sqrt(len(spans)) / mu
    by_label = np.stack([weight * (rows.y == 0), weight * (rows.y == 1)])
    cells = [
        noisy_sums(by_label, _bin(rows.x, span, encoding), _bins(span, encoding), noise, randomness)
        for span in spans
    ]
    no, yes = np.mean([table.sum(axis=1) for table in cells], axis=0)
    rate = float(np.clip(yes / max(no + yes, 1.0), 0.01, 0.99))
    gains = np.array([_gain(table, rate, noise) for table in cells])
    shares = public_shares(encoding)
    if gains.sum() > 0:
        shares = (1 - UNSEEN_SHARE) * gains / gains.sum() + UNSEEN_SHARE * shares
    counts = tuple(np.maximum(table.sum(axis=0), 0) for table in cells)
    return Relevance(shares, max(1.0, float(no + yes)), counts)


def synthetic_rows(relevant: Relevance, encoding: Encoding, count: int, randomness: Randomness) -> Matrix:
    """Returns (count, width) made-up rows: each feature has the measured distribution, independent of the
    others. A number in its lowest bin is set to its lower bound, because most counts and durations are near
    it."""
    x = np.zeros((count, encoding.width), dtype=np.float32)
    for span, counts in zip(encoding.spans.values(), relevant.counts, strict=True):
        bin_ = choice(randomness, (counts + 1e-9).tolist(), count)
        if encoding.is_numeric[span.start]:
            x[:, span.start] = np.where(bin_ > 0, (bin_ + randomness.uniform(count)) / BINS, 0)
        else:
            listed = np.flatnonzero(bin_ < span.stop - span.start)
            x[listed, span.start + bin_[listed]] = 1
    return x


def public_shares(encoding: Encoding) -> Vector:
    """Returns (features,) the shares used before any row is read; they sum to 1."""
    numeric = np.array([encoding.is_numeric[span.start] for span in encoding.spans.values()])
    if numeric.all() or not numeric.any():
        return np.full(len(numeric), 1 / len(numeric))
    return np.asarray(
        np.where(numeric, NUMERIC_SHARE / numeric.sum(), (1 - NUMERIC_SHARE) / (~numeric).sum())
    )


def _bins(span: slice, encoding: Encoding) -> int:
    return BINS if encoding.is_numeric[span.start] else span.stop - span.start + 1


def _bin(x: Matrix, span: slice, encoding: Encoding) -> Integers:
    """Returns (rows,) the bin of each row; the last bin of a word list is for words outside it."""
    if encoding.is_numeric[span.start]:
        return np.clip((x[:, span.start] * BINS).astype(np.int64), 0, BINS - 1)
    words = x[:, span]
    return np.asarray(np.where(words.any(axis=1), words.argmax(axis=1), words.shape[1]), dtype=np.int64)


def _gain(table: Vector, rate: float, noise: float) -> float:
    """Returns Pearson's chi squared of label and bin, less the part expected from noise alone; at least 0."""
    surplus = table[1] - rate * table.sum(axis=0)
    of_noise = noise**2 * ((1 - rate) ** 2 + rate**2)
    expected = np.maximum(table.sum(axis=0), 0) + 2 * noise
    return max(0.0, float(((surplus**2 - of_noise) / expected).sum() / (rate * (1 - rate))))
