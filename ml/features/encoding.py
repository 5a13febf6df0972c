"""Encodes the columns of a table as the matrix that models read. Pure; determined by the schema alone."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.features.schema import Categorical, Numeric, Schema

Matrix = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Encoding:
    """Each number becomes one input in [0, 1]; each word list becomes one 0/1 input per value.

    A missing, unreadable or infinite number is encoded as its lower bound; a word outside the list sets none
    of its inputs. So every row can be encoded, and its encoding depends on that row alone.
    """

    schema: Schema

    @cached_property
    def spans(self) -> Mapping[str, slice]:
        """The columns of each feature's inputs in the matrix."""
        spans, start = {}, 0
        for feature in self.schema.features:
            width = 1 if isinstance(feature, Numeric) else len(feature.values)
            spans[feature.name] = slice(start, start + width)
            start += width
        return spans

    @cached_property
    def width(self) -> int:
        return sum(span.stop - span.start for span in self.spans.values())

    @cached_property
    def is_numeric(self) -> Flags:
        """(width,) true for inputs that are numbers."""
        flags = np.zeros(self.width, dtype=bool)
        for feature in self.schema.features:
            flags[self.spans[feature.name]] = isinstance(feature, Numeric)
        return flags

    def encode(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Returns (rows, width). Raises KeyError for a feature without a column."""
        rows = len(columns[self.schema.features[0].name])
        matrix = np.zeros((rows, self.width), dtype=np.float32)
        for feature in self.schema.features:
            span, values = self.spans[feature.name], columns[feature.name]
            if isinstance(feature, Numeric):
                matrix[:, span.start] = to_unit(feature, numbers(values))
            else:
                place = {value: span.start + k for k, value in enumerate(feature.values)}
                at = np.array([place.get(word(value), -1) for value in values], dtype=np.int64)
                known = np.flatnonzero(at >= 0)
                matrix[known, at[known]] = 1.0
        return matrix

    def sum_by_feature(self, contributions: npt.NDArray[Any]) -> Vector:
        """(..., width) contributions of inputs -> (..., features)."""
        starts = [self.spans[feature.name].start for feature in self.schema.features]
        return np.asarray(np.add.reduceat(contributions, starts, axis=-1), dtype=np.float64)


def with_presence(x: Matrix, is_numeric: Flags) -> Matrix:
    """(n, width) -> (n, width + numbers): appends, for each number, 1 if it is above its lower bound, else 0.
    Having none of something often means more than having few; a single slope could not express both."""
    return np.hstack([x, (x[:, is_numeric] > 0).astype(x.dtype)])


def presence_weights(is_numeric: Flags, yes_or_no: float) -> Vector:
    """(width,) -> (width + numbers,) the weight of each input of `with_presence`: 1 for a number, `yes_or_no`
    for a 0/1 input."""
    return np.append(np.where(is_numeric, 1.0, yes_or_no), np.full(is_numeric.sum(), yes_or_no))


def by_input(parts: Vector, is_numeric: Flags) -> Vector:
    """(n, width + numbers) contributions of the inputs of `with_presence` -> (n, width): adds the
    contribution of a number's second input to that of its first."""
    inputs = parts[:, : len(is_numeric)].copy()
    inputs[:, is_numeric] += parts[:, len(is_numeric) :]
    return inputs


def to_unit(feature: Numeric, values: Vector) -> Vector:
    """Returns values on the feature's scale, clipped, from 0 (lower bound) to 1 (upper); 0 if not finite."""
    offset = np.clip(np.where(np.isfinite(values), values, feature.lower), feature.lower, feature.upper)
    offset = offset - feature.lower
    span = feature.upper - feature.lower
    return np.asarray(np.log1p(offset) / math.log1p(span) if feature.scale == "log" else offset / span)


def from_unit(feature: Numeric, units: Vector) -> Vector:
    """The inverse of `to_unit` within the bounds."""
    span = feature.upper - feature.lower
    offset = np.expm1(units * math.log1p(span)) if feature.scale == "log" else units * span
    return np.asarray(feature.lower + offset)


def numbers(values: Sequence[Any]) -> Vector:
    """Returns the values as float64, NaN for a value that is not a number."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def word(value: Any) -> str:
    """Returns a cell as a schema writes it: truth values as in CSV exports, whole numbers without a point."""
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def labels(values: Sequence[Any], positive: str) -> npt.NDArray[np.int8]:
    """Returns 1 for each cell that equals `positive`, ignoring case, else 0."""
    yes = positive.strip().lower()
    return np.array([word(value).lower() == yes for value in values], dtype=np.int8)


__all__ = [
    "Categorical",
    "Encoding",
    "Flags",
    "Matrix",
    "Numeric",
    "Vector",
    "by_input",
    "from_unit",
    "labels",
    "numbers",
    "presence_weights",
    "to_unit",
    "with_presence",
    "word",
]
