"""Estimates bounds and word lists from the data, within a privacy budget: for tables that have no schema.

Two histograms of each column cost privacy; both have discrete Gaussian noise. The first has fixed bins:
powers of two of both signs, zero, words, empty. The second is made if the first shows words, and has a bin
for each word that occurs. To show a bin at all could reveal a rare word, so only words whose count is above a
threshold are used; a word of a single unit passes it with a probability that is charged to delta (Korolova,
Kenthapadi, Mishra, Ntoulas 2009; Desfontaines, Voss, Gipson, Mandayam 2022).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from ml.features.encoding import Vector, numbers, word
from ml.features.schema import Categorical, Feature, Numeric, Schema
from ml.privacy import gdp
from ml.privacy.noisy_sums import noisy_sums
from ml.privacy.randomness import Integers, Randomness
from ml.privacy.statement import Budget, Unit

_EXPONENTS = np.arange(-12, 41)
_WIDE = 64.0
"""Bounds further apart than this use a log scale."""
_SURE = 3.0
"""A fixed bin counts as filled if its noisy count is above so many standard deviations of the noise."""


class NothingFound(ValueError):
    """No column has a bin above the noise."""


def search(
    columns: Mapping[str, Sequence[str]],
    target: str,
    positive: str,
    weights: Vector,
    budget: Budget,
    unit: Unit,
    randomness: Randomness,
) -> Schema:
    """Returns a schema for `columns`, whose names are treated as public, within `budget`.

    `weights` (rows,): the weights of a unit sum to 1 at most. Columns without a bin above the noise are left
    out. Raises NothingFound if that is all of them.
    """
    count = 2 * len(columns)
    # Half of delta pays for the noise, half for words that only one unit has.
    mu = gdp.mu_of(Budget(budget.epsilon, budget.delta / 2))
    noise = math.sqrt(count) / mu
    threshold = 1 + noise * -float(ndtri(budget.delta / 2 / (len(columns) * unit.most_rows)))
    features = [
        feature
        for name, cells in columns.items()
        if (feature := _feature(name, cells, weights, noise, threshold, randomness)) is not None
    ]
    if not features:
        raise NothingFound(
            f"{len(weights)} rows are too few to find bounds at epsilon {budget.epsilon:g}: a bin must hold "
            f"about {_SURE * noise:.0f} {unit.name}s to be found. Give a --schema or a larger --epsilon"
        )
    return Schema(
        name="found in the data",
        target=target,
        positive=positive,
        features=tuple(features),
        unit_is_called=unit.name,
    )


def _feature(
    name: str, cells: Sequence[str], weights: Vector, noise: float, threshold: float, randomness: Randomness
) -> Feature | None:
    values = numbers(cells)
    is_word = np.array([bool(cell) for cell in cells]) & ~np.isfinite(values)
    noisy = noisy_sums(weights[None], _bin(values, is_word), 2 * len(_EXPONENTS) + 3, noise, randomness)[0]
    in_numbers, as_words = noisy[:-2], noisy[-2]
    if as_words > max(_SURE * noise, in_numbers.max()):
        shown = _noisy_words(cells, weights, noise, threshold, randomness)
        return Categorical(name, tuple(shown)) if shown else None
    return _numeric(name, np.flatnonzero(in_numbers > _SURE * noise))


def _bin(values: Vector, is_word: npt.NDArray[np.bool_]) -> Integers:
    """Returns each value's bin: negative powers of two, zero, positive powers of two, then words, then empty
    cells."""
    side = len(_EXPONENTS)
    finite = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.clip(
            np.floor(np.log2(np.abs(np.where(finite, values, 0.0)))), _EXPONENTS[0], _EXPONENTS[-1]
        )
    step = np.where(values == 0, 0, power - _EXPONENTS[0] + 1)
    at = np.where(finite, side + np.sign(np.where(finite, values, 0.0)) * step, 2 * side + 2)
    return np.where(is_word, 2 * side + 1, at).astype(np.int64)


def _numeric(name: str, filled: Integers) -> Numeric | None:
    if not len(filled):
        return None
    side = len(_EXPONENTS)
    low, high = int(filled[0]) - side, int(filled[-1]) - side
    lower = 0.0 if low >= 0 else -_power(-low + 1)
    upper = 0.0 if high <= 0 else _power(high + 1)
    if lower == upper:
        return None
    return Numeric(name, lower, upper, "log" if upper - lower > _WIDE else "linear")


def _power(step: int) -> float:
    return float(2.0 ** (_EXPONENTS[0] + step - 1))


def _noisy_words(
    cells: Sequence[str], weights: Vector, noise: float, threshold: float, randomness: Randomness
) -> list[str]:
    """Returns the words whose noisy count is above the threshold, in code point order."""
    words, at = np.unique([word(cell) for cell in cells], return_inverse=True)
    noisy = noisy_sums(weights[None], at, len(words), noise, randomness)[0]
    return [str(one) for one, count in zip(words, noisy, strict=True) if one and count > threshold]
