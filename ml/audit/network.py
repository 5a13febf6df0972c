"""The attack on the network: reads the noisy sum of gradients of every step.

A canary is a corner of the cube with a random label. For each canary the crowd has a row that differs only in
the label: the network cannot learn both, so the canary's gradient stays long enough to be clipped. Given the
parameters of a step, what a canary would add to its sum is known; it is added if the canary is in the data
and sampled in this step. Runs have few canaries, because each adds noise to the estimate of the others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.audit.attack import Trial, coins, decoded, runs
from ml.features.encoding import Encoding, Vector
from ml.features.rows import Rows
from ml.features.schema import Numeric, Schema
from ml.models import neural_network
from ml.models.neural_network import CLIP_NORM, Training, inputs
from ml.privacy.poisson import PoissonGaussian
from ml.privacy.randomness import Randomness
from ml.privacy.statement import Budget, Unit

_ENCODING = Encoding(Schema("audit", "bought", tuple(Numeric(f"number {k}", 0, 1) for k in range(120))))
_UNIT = Unit("user", 4)
_CORNERS = (-1.0, 2.0)
"""Outside the bounds of numbers, for longer gradients: only the model's clipping limits them."""
_A_RUN = 250
_GRAM_EVERY = 10
"""The overlap of the canaries' gradients changes slowly: it is measured every so many steps."""


@dataclass(frozen=True)
class OnNetwork:
    """Audits the neural network."""

    method: str = f"runs of {_A_RUN} users of four rows; membership decoded from the noisy sums of all steps"

    def trials(self, kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> list[Trial]:
        return [_trial(kind, budget, count, randomness) for count in runs(canaries, _A_RUN)]


def _trial(kind: Any, budget: Budget, canaries: int, randomness: Randomness) -> Trial:
    included = coins(canaries, randomness)
    corner = (randomness.uniform(canaries * _ENCODING.width) < 0.5).reshape(canaries, -1)
    x = np.where(corner, *_CORNERS).astype(np.float32)
    y = coins(canaries, randomness).astype(np.int8)
    member = np.flatnonzero(included).repeat(_UNIT.most_rows)
    rows = Rows(
        np.concatenate([x[member], x]),
        np.concatenate([y[member], 1 - y]),
        np.concatenate([member, canaries + np.arange(canaries)]),
    )
    model, training = kind.with_training(rows, _ENCODING, budget, _UNIT, randomness)
    return Trial(
        included,
        _scores(training, neural_network.plan_for(budget), inputs(x, _ENCODING.is_numeric), y),
        model.statement,
    )


def _scores(training: Training, plan: PoissonGaussian, x: Vector, y: Any) -> Vector:
    """Returns a score for each canary. Sums and gradients are in units of the clipping norm."""
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    _, unflatten = ravel_pytree(
        jax.tree.map(lambda part: jnp.asarray(part, jnp.float32), training.parameters)
    )

    def log_odds(flat: Any, row: Any) -> Any:
        return neural_network.forward(unflatten(flat), row, jnp)

    @jax.jit
    def look(flat: Any, noisy: Any) -> tuple[Any, Any]:
        """Returns (m, parameters) the mean of what each canary adds, and (m,) its product with the noisy sum
        less what the crowd adds."""
        found, slope = jax.vmap(jax.value_and_grad(log_odds), (None, 0))(flat, x)
        probability, length = jax.nn.sigmoid(found), jnp.linalg.norm(slope, axis=1)

        def adds(label: Any) -> Any:
            clipped = jnp.clip((probability - label) * length / CLIP_NORM, -1, 1)
            return plan.sampling * (clipped / length)[:, None] * slope

        return adds(y), adds(y) @ (noisy / CLIP_NORM - adds(1 - y).sum(axis=0))

    gram, projected = np.zeros((len(x), len(x))), np.zeros(len(x))
    for step, seen in enumerate(zip(training.at, training.noisy_sums, strict=True)):
        adds, product = map(np.asarray, look(*(part.astype(np.float32) for part in seen)))
        projected += product
        if step % _GRAM_EVERY == 0:
            gram += min(_GRAM_EVERY, plan.steps - step) * (adds @ adds.T)
    return decoded(gram, projected, plan.noise_multiplier**2)
