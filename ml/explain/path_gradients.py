"""Expected gradients of a network of one hidden tanh layer, in closed form."""

import numpy as np

from ml.features.encoding import Vector

_AT_ONCE = 64
_FLAT = 1e-4
"""If tanh's input changes by less, its mean slope equals the slope at the midpoint to 1e-9."""


def expected_gradients(x: Vector, background: Vector, weights: Vector, bias: Vector, out: Vector) -> Vector:
    """Returns (rows, width) the integrated gradients (Sundararajan, Taly, Yan 2017) of
    `out @ tanh(x @ weights + bias)` from every background row, averaged (Erion et al. 2021).

    Along a straight path the input of each hidden unit changes linearly, so that its mean slope is
    (tanh(end) - tanh(start)) / (end - start), without numerical integration. `weights` (width, hidden).
    """
    start, end = (rows @ weights + bias for rows in (background, x))
    start_tanh, end_tanh = np.tanh(start), np.tanh(end)
    values = np.zeros(x.shape)
    for first in range(0, len(x), _AT_ONCE):
        here = slice(first, first + _AT_ONCE)
        moved = end[here, None] - start
        flat = np.abs(moved) < _FLAT
        slope = (end_tanh[here, None] - start_tanh) / np.where(flat, 1.0, moved)
        slope[flat] = 1 - np.tanh((start + moved / 2)[flat]) ** 2
        gradient = (slope * out) @ weights.T
        # The mean over b of (x - b) * gradient(x, b).
        values[here] = x[here] * gradient.mean(axis=1)
        values[here] -= np.einsum("nbw,bw->nw", gradient, background) / len(background)
    return values
