"""Computes a lower bound on epsilon from how well an attacker guesses. Pure.

Steinke, Nasr, Jagielski 2023, "Privacy Auditing with One (1) Training Run". Each of m canaries is in the data
with probability 1/2, independently; an attacker who sees the release guesses for some of them and abstains on
the others. For an (epsilon, delta)-private algorithm the number of right guesses is hardly larger than if
each were right independently with probability e^epsilon / (1 + e^epsilon). If it is larger, the claim is
refuted.

Canaries of several runs may be counted together if no row is in two of the runs: algorithms on disjoint data
are as private together as each alone.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import binom

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Guesses:
    """The result of an attack."""

    canaries: int
    """All canaries, in the data or not."""
    guesses: int
    """Those on which the attacker did not abstain."""
    correct: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.guesses <= self.canaries:
            raise ValueError(f"{self.correct} right of {self.guesses} guesses on {self.canaries} canaries")


def guessed(included: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64], each_side: int) -> Guesses:
    """Guesses "in" for the `each_side` highest of (m,) scores and "out" for as many lowest, abstains on the
    others, and compares with (m,) `included`. `each_side` must not depend on `included`."""
    if 2 * each_side > len(scores):
        raise ValueError(f"{2 * each_side} guesses on {len(scores)} canaries")
    order = np.argsort(scores, kind="stable")
    right = int(included[order[len(order) - each_side :]].sum()) + int((~included[order[:each_side]]).sum())
    return Guesses(len(scores), 2 * each_side, right)


def p_value(seen: Guesses, epsilon: float, delta: float) -> float:
    """Returns the largest probability of at least as many right guesses against an (epsilon, delta)-private
    algorithm (theorem 5.2): P[B >= v] + 2 m delta max_i P[v > B >= v - i] / i, B binomial over the
    guesses."""
    chance = expit(epsilon)
    at_least = float(binom.sf(seen.correct - 1, seen.guesses, chance))
    if delta == 0 or seen.correct == 0:
        return at_least
    i = np.arange(1, seen.correct + 1)
    just_below = binom.sf(seen.correct - 1 - i, seen.guesses, chance) - at_least
    return min(1.0, at_least + 2 * seen.canaries * delta * float(np.max(just_below / i)))


def lower_bound(seen: Guesses, delta: float, confidence: float) -> float:
    """Returns the epsilon up to which (epsilon, delta)-privacy is refuted: the bound exceeds the epsilon of a
    private algorithm in at most 1 - `confidence` of all audits. 0 if nothing is refuted."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence:g}; it must be above 0 and below 1")

    def refuted(epsilon: float) -> bool:
        return p_value(seen, epsilon, delta) <= 1 - confidence

    if not refuted(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while refuted(high):
        low, high = high, 2 * high
    while high - low > _TOLERANCE:
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low
