"""Rényi differential privacy at a few orders fixed beforehand, and the Rényi filter. Pure, standard library
only.

A curve has, for each of ORDERS, a bound on the Rényi divergence that adding or removing one unit causes
(Mironov 2017). Curves of mechanisms add up, even if each is chosen with knowledge of the earlier results.

The filter accepts mechanisms as long as the sum of their curves implies (epsilon, delta) at one order at
least (Feldman and Zrnic 2021, theorem 4.3 for one order; Lécuyer 2021 for several). Which order this is may
depend on the results, so each order gets a share of delta: the results are partitioned by the order that
held, and the deltas of the parts add up.
"""

import math
from collections.abc import Sequence

ORDERS = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 12.0, 16.0, 32.0, 64.0)
Curve = tuple[float, ...]
NOTHING: Curve = (0.0,) * len(ORDERS)


def gaussian(mu: float) -> Curve:
    """Returns the exact curve of mu-GDP: order * mu^2 / 2."""
    return tuple(order * mu * mu / 2 for order in ORDERS)


def pure(epsilon: float) -> Curve:
    """Returns the largest curve that epsilon-DP allows: that of randomized response with this epsilon, of
    which every such mechanism is a post-processing (Kairouz, Oh, Viswanath 2015, theorem 3.4)."""
    log_p = -math.log1p(math.exp(-epsilon))
    log_q = log_p - epsilon
    return tuple(
        max(0.0, _log_sum(a * log_p + (1 - a) * log_q, a * log_q + (1 - a) * log_p)) / (a - 1) for a in ORDERS
    )


def total(curves: Sequence[Curve]) -> Curve:
    """Returns the curve of running mechanisms with `curves` one after another."""
    return tuple(math.fsum(at_order) for at_order in zip(NOTHING, *curves, strict=True))


def highest(curves: Sequence[Curve]) -> Curve:
    """Returns the curve of mechanisms that read disjoint units, so that each unit is in only one of them."""
    return tuple(max(at_order) for at_order in zip(NOTHING, *curves, strict=True))


def epsilon_of(spent: Curve, delta: float) -> float:
    """Returns the smallest epsilon for which a filter of budget (epsilon, delta) accepts `spent`. Each order
    is converted by Canonne, Kamath, Steinke 2020, proposition 12."""
    if not any(spent):
        return 0.0
    log_delta = math.log(delta / len(ORDERS))
    return min(
        max(0.0, rho + math.log1p(-1 / a) - (log_delta + math.log(a)) / (a - 1))
        for a, rho in zip(ORDERS, spent, strict=True)
    )


def full(epsilon: float, delta: float) -> Curve:
    """Returns the smallest curve that uses up a filter of budget (epsilon, delta) at every order: any curve
    that the filter accepts is below it at one order at least, and it accepts nothing more after this one."""
    log_delta = math.log(delta / len(ORDERS))
    exact = [epsilon - math.log1p(-1 / a) + (log_delta + math.log(a)) / (a - 1) for a in ORDERS]
    # A little more, so that rounding leaves nothing.
    return tuple(max(0.0, rho) * (1 + 1e-9) + 1e-9 for rho in exact)


def odometer(spent: Curve, step: float, delta: float) -> int:
    """Returns the smallest k such that everything so far costs at most (k * step, delta), a bound that holds
    at any time the reader chooses. It runs filters of 1, 2, 3, ... steps in parallel, the k-th with delta * 6
    / (pi k)^2; these sum to delta (after Rogers, Roth, Ullman, Vadhan 2016). 0 if nothing was spent."""
    level = 0
    while any(spent) and (level == 0 or epsilon_of(spent, _share(level, delta)) > level * step):
        level += 1
    return level


def _share(level: int, delta: float) -> float:
    return delta * 6 / (math.pi * level) ** 2


def _log_sum(a: float, b: float) -> float:
    high, low = max(a, b), min(a, b)
    return high + math.log1p(math.exp(low - high))
