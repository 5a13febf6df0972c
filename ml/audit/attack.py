"""What every attack is given and gives."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ml.audit.bound import Guesses, guessed
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, PrivacyStatement

EACH_SIDE = 0.1
"""Of all canaries: so many are guessed to be in, as many out, and on the rest the attacker is silent."""


@dataclass(frozen=True)
class Trial:
    """Canaries whose coins were thrown, and what an attacker made of what was released."""

    included: npt.NDArray[np.bool_]
    """(m,)"""
    scores: npt.NDArray[np.float64]
    """(m,) higher where the attacker believes the canary to be in."""
    statement: PrivacyStatement
    """What the attacked model claims."""


class Attack(Protocol):
    """Against one kind of model. The attacker knows all rows but the canaries' coins, all hyper-parameters,
    and everything that the proof of the model lets out."""

    @property
    def method(self) -> str:
        """In a sentence, for people."""

    def trials(self, kind: Any, budget: Budget, canaries: int, dice: Randomness) -> list[Trial]:
        """As many training runs as the attack wants for `canaries` coins in all, on disjoint rows. `kind` is
        the class of the model, or one that learns as it does."""


def coins(count: int, dice: Randomness) -> npt.NDArray[np.bool_]:
    """(count,) fair ones."""
    return dice.uniform(count) < 0.5


def runs(canaries: int, most: int) -> list[int]:
    """The canaries of each run, as even as can be and about `most`."""
    return [len(part) for part in np.array_split(np.arange(canaries), max(1, round(canaries / most)))]


def guesses(trials: list[Trial]) -> Guesses:
    """All trials' canaries together."""
    included = np.concatenate([trial.included for trial in trials])
    scores = np.concatenate([trial.scores for trial in trials])
    return guessed(included, scores, round(EACH_SIDE * len(scores)))


def decoded(
    gram: npt.NDArray[np.float64], projected: npt.NDArray[np.float64], noise_variance: float
) -> npt.NDArray[np.float64]:
    """The best linear estimate of fair coins b from y = A b + noise: (m, m) A'A, (m,) A'y -> (m,) about 0 and
    1."""
    together = gram.sum(axis=1)
    # Half of the coins fall for in. How much that comes to is read off too, for a faulty model may let
    # through more than it claims, and a wrong middle would drown the differences.
    centred = projected - together * (projected.sum() / together.sum())
    return np.asarray(0.5 + np.linalg.solve(gram + 4 * noise_variance * np.eye(len(gram)), centred))
