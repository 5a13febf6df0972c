"""The attack on the linear model: compares the noise that would explain its coefficients with and without a
user.

The released coefficients are the exact minimum of the loss plus a random linear term. An attacker who knows
all rows but one user's can compute that term for both cases, the user in or out; the shorter term is the more
likely one. Three dimensions keep its length informative, and with one canary per run nothing else is unknown.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from ml.audit.attack import Trial, coins
from ml.features.encoding import Encoding
from ml.features.rows import Rows
from ml.features.schema import Numeric, Schema
from ml.models.logistic_regression import INVERSE_REGULARISATION
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, Unit

_ENCODING = Encoding(Schema("audit", "bought", (Numeric("number", 0, 1),)))
_UNIT = Unit("user", 4)
_FAR_OUT = 8.0
"""The input of every row: so far outside its bounds that only the model's own bound on a row limits it."""
_CROWD = 1_000


@dataclass(frozen=True)
class OnLinear:
    """Audits the linear model."""

    method: str = "a run for each user of four rows; likelihood of the coefficients with and without the user"

    def trials(self, kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> list[Trial]:
        return [_trial(kind, budget, bool(member), randomness) for member in coins(canaries, randomness)]


def _trial(kind: Any, budget: Budget, included: bool, randomness: Randomness) -> Trial:
    """The crowd buys, the canary does not."""
    own = _UNIT.most_rows if included else 0
    label = np.concatenate([np.ones(_CROWD), np.zeros(own)]).astype(np.int8)
    unit = np.concatenate([np.arange(_CROWD), np.full(own, -1)])
    x = np.full((len(label), 1), _FAR_OUT, dtype=np.float32)
    model = kind.fit(Rows(x, label, unit), _ENCODING, budget, _UNIT, randomness)
    row = model.scaled(x[:1])[0]
    most = model.statement.most_rows_per_unit
    chance = expit(row @ model.coefficients)
    # At the minimum the gradient of the loss is the negative of the linear term.
    slope = (
        model.coefficients * most / (INVERSE_REGULARISATION * budget.epsilon) + _CROWD * (chance - 1) * row
    )
    if_in = slope + most * chance * row
    score = np.linalg.norm(slope) - np.linalg.norm(if_in)
    return Trial(np.array([included]), np.array([score]), model.statement)
