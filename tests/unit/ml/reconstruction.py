"""An attack on a published report: guess what is missing of a person's row from all that the report holds.

The adversary knows every column of the target but one, and has the report's data. If the report was made
over real rows, the target's own row is in it, and agrees with what is known of them better than any other:
what it says in the missing column is the answer.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ml.features.schema import Feature, Numeric

Row = dict[str, Any]
_CLOSE = 0.05
"""Of a number's range on its own scale: as near counts as found."""


def guess(published: Sequence[Row], target: Row, hidden: Feature, features: Sequence[Feature]) -> Any:
    """The missing value as the published row that agrees best with the rest of the target has it."""
    known = [feature for feature in features if feature.name != hidden.name]
    apart = np.zeros(len(published))
    for feature in known:
        column = [row[feature.name] for row in published]
        if isinstance(feature, Numeric):
            apart += np.abs(on_scale(feature, column) - on_scale(feature, [target[feature.name]]))
        else:
            apart += np.array([value != target[feature.name] for value in column], dtype=float)
    return published[int(apart.argmin())][hidden.name]


def from_marginals(public: Sequence[Row], hidden: Feature) -> Any:
    """The best guess of one who has no report but knows what shops of this kind are like."""
    column = [row[hidden.name] for row in public]
    if isinstance(hidden, Numeric):
        return float(np.median(np.array(column, dtype=float)))
    return Counter(column).most_common(1)[0][0]


def success(targets: Sequence[Row], hidden: Feature, guesser: Callable[[Row], Any]) -> float:
    """The share of targets whose missing value was found."""
    return float(np.mean([_right(hidden, guesser(target), target[hidden.name]) for target in targets]))


def on_scale(feature: Numeric, values: Sequence[Any]) -> Any:
    from ml.features.encoding import to_unit

    return to_unit(feature, np.array(values, dtype=float))


def _right(hidden: Feature, guessed: Any, true: Any) -> bool:
    if isinstance(hidden, Numeric):
        return bool(abs(on_scale(hidden, [guessed]) - on_scale(hidden, [true]))[0] <= _CLOSE)
    return bool(guessed == true)
