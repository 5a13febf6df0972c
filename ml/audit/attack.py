"""What all attacks have in common: their interface and their results."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ml.audit.bound import Guesses, guessed
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, PrivacyStatement

EACH_SIDE = 0.1
"""Share of all canaries that the attacker guesses to be in, and to be out. On the others it makes no
guess."""


@dataclass(frozen=True)
class Trial:
    """The canaries of one training, and the attacker's score of each, computed from what was released."""

    included: npt.NDArray[np.bool_]
    """(m,) whether each canary was in the training data."""
    scores: npt.NDArray[np.float64]
    """(m,) higher where the attacker believes that the canary was in."""
    statement: PrivacyStatement
    """What the attacked model claims."""


class Attack(Protocol):
    """An attack on one kind of model. The attacker knows all rows, all hyper-parameters and everything that
    the model's proof treats as released, but not which canaries were in."""

    @property
    def method(self) -> str:
        """The attack in one sentence, for people."""

    def trials(self, kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> list[Trial]:
        """Trains as often as the attack needs for `canaries` canaries in all, on disjoint rows, and attacks
        each training. `kind`: the class of the model, or one that trains like it."""


def coins(count: int, randomness: Randomness) -> npt.NDArray[np.bool_]:
    """Returns (count,) independent truth values, each true with probability 1/2."""
    return randomness.uniform(count) < 0.5


def runs(canaries: int, most: int) -> list[int]:
    """Returns the number of canaries of each run: about `most`, and as equal as possible."""
    return [len(part) for part in np.array_split(np.arange(canaries), max(1, round(canaries / most)))]


def guesses(trials: list[Trial]) -> Guesses:
    """Guesses on the canaries of all trials together."""
    included = np.concatenate([trial.included for trial in trials])
    scores = np.concatenate([trial.scores for trial in trials])
    return guessed(included, scores, round(EACH_SIDE * len(scores)))


def decoded(
    gram: npt.NDArray[np.float64], projected: npt.NDArray[np.float64], noise_variance: float
) -> npt.NDArray[np.float64]:
    """Returns the best linear estimate of b, 0 or 1 with equal chances, from y = A b + noise: (m, m) A'A,
    (m,) A'y -> (m,) about 0 and 1."""
    together = gram.sum(axis=1)
    # About half of the canaries are in. Their total effect is estimated too: a faulty model may release more
    # than it claims, and centring on a wrong mean would hide the differences between canaries.
    centred = projected - together * (projected.sum() / together.sum())
    return np.asarray(0.5 + np.linalg.solve(gram + 4 * noise_variance * np.eye(len(gram)), centred))
