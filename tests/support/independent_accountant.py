"""What a composition of Poisson-sampled Gaussians costs, computed here from first principles: privacy loss
distributions on a grid, composed by FFT (Koskela, Jälkö, Honkela 2020). Shares no code with what calibrated.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

STEP = 3e-5
_HALF = 2**19
LOSSES = STEP * np.arange(-_HALF, _HALF)


def bracket(sampling: float, steps: int, multiplier: float, delta: float) -> tuple[float, float]:
    """The exact epsilon lies between the two: losses rounded down, and up, in the worse direction of adding
    or removing one unit."""
    ends = [
        [_epsilon(sampling, steps, multiplier, delta, removing, up) for removing in (True, False)]
        for up in (False, True)
    ]
    return max(ends[0]), max(ends[1])


def _epsilon(sampling: float, steps: int, multiplier: float, delta: float, removing: bool, up: bool) -> float:
    below = _below(LOSSES, sampling, multiplier, removing)
    mass = np.diff(below)  # of (LOSSES[k], LOSSES[k + 1]]
    at = np.zeros(len(LOSSES))
    if up:
        at[1:], at[0] = mass, below[0]
        infinite = -np.expm1(steps * np.log1p(-(1 - below[-1])))
    else:
        at[:-1], at[-1] = mass, 1 - below[-1]
        infinite = 0.0
    # Loss 0 is moved to place 0, so that the circle of the transform adds losses and not places.
    composed = np.fft.irfft(np.fft.rfft(np.fft.ifftshift(at)) ** steps, len(at))
    composed = np.maximum(np.fft.fftshift(composed), 0)

    def excess(epsilon: float) -> float:
        over = epsilon < LOSSES
        return float(infinite - composed[over] @ np.expm1(epsilon - LOSSES[over]) - delta)

    return float(brentq(excess, 0.0, LOSSES[-1]))


def _below(loss: np.ndarray, q: float, sigma: float, removing: bool) -> np.ndarray:
    """The probability of a loss of at most `loss`. P = (1 - q) N(0, s) + q N(1, s), Q = N(0, s): of
    log(P / Q) under P where one is removed, of log(Q / P) under Q where one is added."""
    if removing:
        x = _where_log_ratio_is(loss, q, sigma)
        return np.asarray((1 - q) * norm.cdf(x / sigma) + q * norm.cdf((x - 1) / sigma))
    return np.asarray(norm.sf(_where_log_ratio_is(-loss, q, sigma) / sigma))


def _where_log_ratio_is(value: np.ndarray, q: float, sigma: float) -> np.ndarray:
    """x with log(1 - q + q exp((2 x - 1) / (2 s^2))) = value; minus infinity below its range."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = sigma**2 * np.log((np.expm1(value) + q) / q) + 0.5
    return np.where(np.expm1(value) + q > 0, x, -np.inf)
