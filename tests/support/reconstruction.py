"""An attack on a published report: guess what is missing of a person's row from all that the report holds.

The adversary knows every column of the target but one, and has the report's data. If the report was made
over real rows, the target's own row is in it, and agrees with what is known of them better than any other:
what it says in the missing column is the answer.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from ml.features.encoding import to_unit
from ml.features.schema import Feature, Numeric

Row = dict[str, Any]
_CLOSE = 0.05
"""Of a number's range on its own scale: as near counts as found."""


def from_report(
    published: Sequence[Row], targets: Sequence[Row], hidden: Feature, features: Sequence[Feature]
) -> list[Any]:
    """Returns for each target the missing value of the published row that matches its other values best."""
    apart = np.zeros((len(targets), len(published)))
    for feature in features:
        if feature.name != hidden.name:
            theirs, shown = (_column(feature, rows) for rows in (targets, published))
            if isinstance(feature, Numeric):
                apart += np.abs(theirs[:, None] - shown)
            else:
                apart += theirs[:, None] != shown
    return [published[nearest][hidden.name] for nearest in apart.argmin(axis=1)]


def from_marginals(public: Sequence[Row], targets: Sequence[Row], hidden: Feature) -> list[Any]:
    """Returns the best guess without a report, from general knowledge of such shops."""
    column = [row[hidden.name] for row in public]
    if isinstance(hidden, Numeric):
        return [float(np.median(column))] * len(targets)
    return [Counter(column).most_common(1)[0][0]] * len(targets)


def success(guessed: Sequence[Any], targets: Sequence[Row], hidden: Feature) -> float:
    """The share of targets whose missing value was found."""
    found, true = (_column(hidden, rows) for rows in ([{hidden.name: one} for one in guessed], targets))
    return float(np.mean(np.abs(found - true) <= _CLOSE if isinstance(hidden, Numeric) else found == true))


def _column(feature: Feature, rows: Sequence[Row]) -> Any:
    """Words, or numbers on the feature's own scale."""
    values = np.array([row[feature.name] for row in rows])
    return to_unit(feature, values.astype(float)) if isinstance(feature, Numeric) else values
