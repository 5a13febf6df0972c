"""Gaussian differential privacy: the exact arithmetic of mechanisms that add Gaussian noise. Pure.

mu-GDP: telling two neighbouring data sets apart is as hard as telling N(0, 1) from N(mu, 1). Noise of
standard deviation s on a sum of L2 sensitivity c is (c/s)-GDP, and k such releases, each chosen with
knowledge of the earlier ones, are exactly sqrt(mu_1^2 + ... + mu_k^2)-GDP (Dong, Roth, Su: Gaussian
Differential Privacy, 2022, theorem 2.7, corollaries 2.13 and 3.3).
"""

import math

from scipy.optimize import brentq
from scipy.special import log_ndtr

from ml.privacy.statement import Budget


def delta_of(mu: float, epsilon: float) -> float:
    """Returns the smallest delta for which mu-GDP is (epsilon, delta)-DP (Balle and Wang 2018, theorem 8)."""
    if mu == 0:
        return 0.0
    log_first = float(log_ndtr(-epsilon / mu + mu / 2))
    log_second = epsilon + float(log_ndtr(-epsilon / mu - mu / 2))
    return math.exp(log_first) * -math.expm1(min(0.0, log_second - log_first))


def epsilon_of(mu: float, delta: float) -> float:
    """Returns the smallest epsilon for which mu-GDP is (epsilon, delta)-DP."""
    if delta_of(mu, 0.0) <= delta:
        return 0.0
    above = 1.0
    while delta_of(mu, above) > delta:
        above *= 2
    return float(brentq(lambda epsilon: delta_of(mu, epsilon) - delta, 0.0, above, xtol=1e-12))


def mu_of(budget: Budget) -> float:
    """Returns the largest mu that `budget` allows. Raises ValueError unless delta > 0."""
    if budget.delta <= 0:
        raise ValueError("Gaussian noise needs a delta above 0")
    above = 1.0
    while delta_of(above, budget.epsilon) <= budget.delta:
        above *= 2
    mu = float(brentq(lambda m: delta_of(m, budget.epsilon) - budget.delta, 0.0, above, xtol=1e-13))
    while delta_of(mu, budget.epsilon) > budget.delta:  # the root may be slightly too large
        mu *= 1 - 1e-12
    return mu


def noise_multiplier(mu: float, releases: int) -> float:
    """Returns standard deviation / sensitivity of each of `releases` equal releases that together are
    mu-GDP."""
    return math.sqrt(releases) / mu
