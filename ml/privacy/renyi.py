"""Rényi differential privacy at a few orders fixed beforehand, and the filter built on it. Pure, standard
library alone.

A curve holds, for each of ORDERS, a bound on the Rényi divergence that adding or removing one unit causes
(Mironov 2017); curves of mechanisms add up, also where each is chosen in the light of the earlier ones.

The filter lets a sequence go on as long as its sum, at one order at least, stays where (epsilon, delta) holds
(Feldman and Zrnic 2021, theorem 4.3 for one order; Lécuyer 2021 for several). Which order that is may depend
on what came out, so each gets its share of delta: the outcomes are parted by the order that held, and the
parts' deltas add up.
"""

import math
from collections.abc import Sequence

ORDERS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0)
Curve = tuple[float, ...]
NOTHING: Curve = (0.0,) * len(ORDERS)


def gaussian(mu: float) -> Curve:
    """Of mu-GDP, exactly: order * mu^2 / 2."""
    return tuple(order * mu * mu / 2 for order in ORDERS)


def pure(epsilon: float) -> Curve:
    """The most that epsilon-DP allows: the divergence between randomized responses of that epsilon, which
    every such mechanism is a coarser copy of (Kairouz, Oh, Viswanath 2015, theorem 3.4)."""
    log_p = -math.log1p(math.exp(-epsilon))
    log_q = log_p - epsilon
    return tuple(
        max(0.0, _log_sum(a * log_p + (1 - a) * log_q, a * log_q + (1 - a) * log_p)) / (a - 1) for a in ORDERS
    )


def total(curves: Sequence[Curve]) -> Curve:
    """All of `curves`, one after another."""
    return tuple(math.fsum(at_order) for at_order in zip(NOTHING, *curves, strict=True))


def highest(curves: Sequence[Curve]) -> Curve:
    """Of mechanisms that read units of their own each: no unit pays more than one of them."""
    return tuple(max(at_order) for at_order in zip(NOTHING, *curves, strict=True))


def epsilon_of(spent: Curve, delta: float) -> float:
    """The smallest epsilon for which a filter of budget (epsilon, delta) lets `spent` pass. Each order by
    Canonne, Kamath, Steinke 2020, proposition 12."""
    if not any(spent):
        return 0.0
    log_delta = math.log(delta / len(ORDERS))
    return min(
        max(0.0, rho + math.log1p(-1 / a) - (log_delta + math.log(a)) / (a - 1))
        for a, rho in zip(ORDERS, spent, strict=True)
    )


def odometer(spent: Curve, step: float, delta: float) -> int:
    """The smallest number k for which it may be said, at whatever moment the reader chooses, that all so far
    cost (k * step, delta): filters of 1, 2, 3, ... steps stand side by side, the k-th with
    delta * 6 / (pi k)^2, which sum to delta (after Rogers, Roth, Ullman, Vadhan 2016). 0 as long as nothing
    was spent."""
    level = 0
    while any(spent) and (level == 0 or epsilon_of(spent, _share(level, delta)) > level * step):
        level += 1
    return level


def _share(level: int, delta: float) -> float:
    return delta * 6 / (math.pi * level) ** 2


def _log_sum(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))
