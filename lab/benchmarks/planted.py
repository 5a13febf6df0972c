"""Faults that a private model could have, planted from outside, to check that the audit detects them.

Each is a context in which one model has one fault and still makes its usual claim. The models contain no code
for this.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np

from ml.models import boosted_trees, logistic_regression, neural_network
from ml.privacy import contributions, noisy_sums

Planted = Callable[[], AbstractContextManager[Any]]
NOISE = 0.25
"""Share of the right amount of noise."""


def _thin_sums() -> AbstractContextManager[Any]:
    sound = noisy_sums.noisy_sums

    def thin(parts: Any, at: Any, bins: int, noise: float, randomness: Any) -> Any:
        return sound(parts, at, bins, NOISE * noise, randomness)

    return patch.object(boosted_trees, "noisy_sums", thin)


def _units_without_weights() -> AbstractContextManager[Any]:
    return patch.object(contributions, "weights", lambda unit: np.ones(len(unit)))


def _thin_gradients() -> AbstractContextManager[Any]:
    sound = neural_network.train

    def thin(rows: Any, encoding: Any, plan: Any, *others: Any) -> Any:
        return sound(rows, encoding, replace(plan, noise_multiplier=NOISE * plan.noise_multiplier), *others)

    return patch.object(neural_network, "train", thin)


def _gradients_of_any_length() -> AbstractContextManager[Any]:
    import jax_privacy

    def unclipped(*function: Any, l2_clip_norm: float, **others: Any) -> Any:
        return sound(*function, l2_clip_norm=np.inf, **others)

    sound = jax_privacy.clipped_grad
    return patch.object(jax_privacy, "clipped_grad", unclipped)


def _thin_linear_term() -> AbstractContextManager[Any]:
    from diffprivlib.mechanisms import Vector
    from diffprivlib.models import logistic_regression as library

    class Thin(Vector):  # type: ignore[misc]
        def randomise(self, value: Any) -> Any:
            noise = super().randomise(lambda at, *_: (0.0, np.zeros_like(at)))

            def objective(*point: Any) -> Any:
                (loss, slope), (term, its_slope) = value(*point), noise(point[0])
                return loss + NOISE * term, slope + NOISE * its_slope

            return objective

    return patch.object(library, "Vector", Thin)


def _rows_of_any_length() -> AbstractContextManager[Any]:
    from diffprivlib.validation import DiffprivlibMixin

    both = ExitStack()
    both.enter_context(patch.object(logistic_regression, "scaled", logistic_regression.weighted))
    both.enter_context(patch.object(DiffprivlibMixin, "_clip_to_norm", staticmethod(lambda x, clip: x)))
    return both


LITTLE_NOISE, NO_BOUND = "a quarter of the noise", "no bound on a unit"
FAULTS: Mapping[str, Mapping[str, Planted]] = {
    "boosted_trees": {LITTLE_NOISE: _thin_sums, NO_BOUND: _units_without_weights},
    "logistic_regression": {LITTLE_NOISE: _thin_linear_term, NO_BOUND: _rows_of_any_length},
    "neural_network": {LITTLE_NOISE: _thin_gradients, NO_BOUND: _gradients_of_any_length},
}
"""For each model and fault, the context in which the model has the fault."""
