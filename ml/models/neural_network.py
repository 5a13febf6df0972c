"""A small network trained by DP-SGD: every unit's gradient is clipped, noise is added to their sum, batches
are drawn by Poisson sampling."""

from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ml.features.encoding import Encoding, Flags, Matrix, Vector, presence_weights, with_presence
from ml.features.rows import Rows
from ml.privacy.poisson import PoissonGaussian, calibrated
from ml.privacy.randomness import Randomness
from ml.privacy.statement import NEIGHBOURS, Budget, PrivacyStatement, Unit

HIDDEN = 64
STEPS = 200
SAMPLING = 0.2
CLIP_NORM = 0.5
LEARNING_RATE = 0.1
"""Over the square root of the noise multiplier: less noise can be followed faster."""
AVERAGED_STEPS = 100
"""The model is the mean of its parameters after the last so many steps, which takes out some of the noise."""
CENTRE = 0.25
"""Of inputs from 0 to 1, as counts and durations crowd at the lower end of their bounds."""
YES_OR_NO = 0.5
"""What an input that is 0 or 1 counts beside a number's."""
_AT_ONCE = 512
"""Gradients of so many units are in memory at a time."""

Parameters = dict[str, Any]


class NeuralNetwork:
    """One layer of HIDDEN tanh units; the output is the log-odds. Its inputs: numbers, whether each is above
    its lower bound, words."""

    name: ClassVar[str] = "neural_network"
    title: ClassVar[str] = "Neural network"

    def __init__(self, parameters: Parameters, is_numeric: Flags, statement: PrivacyStatement) -> None:
        self.parameters = parameters
        self.is_numeric = is_numeric
        """(width,) of the encoding."""
        self.statement = statement

    @classmethod
    def fit(cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness) -> Self:
        return cls.with_training(rows, encoding, budget, unit, randomness)[0]

    @classmethod
    def with_training(
        cls, rows: Rows, encoding: Encoding, budget: Budget, unit: Unit, randomness: Randomness
    ) -> tuple[Self, "Training"]:
        """`fit`, and what its proof lets out beside the model."""
        plan = plan_for(budget)
        trained = train(rows, encoding, plan, unit, randomness)
        statement = _statement(budget, unit, encoding, plan)
        return cls(trained.parameters, encoding.is_numeric, statement), trained

    @classmethod
    def loss(cls, budget: Budget, unit: Unit) -> PoissonGaussian:
        return plan_for(budget)

    def log_odds(self, x: Matrix) -> Vector:
        return np.asarray(forward(self.parameters, inputs(x, self.is_numeric), np), dtype=np.float64)

    def save(self, folder: Path) -> None:
        np.savez(folder / "model.npz", is_numeric=self.is_numeric, **self.parameters)

    @classmethod
    def load(cls, folder: Path, statement: PrivacyStatement) -> Self:
        with np.load(folder / "model.npz") as arrays:
            parameters = dict(arrays)
        return cls(parameters, parameters.pop("is_numeric"), statement)


@cache
def plan_for(budget: Budget) -> PoissonGaussian:
    """The training's mechanism with the least noise that `budget` allows."""
    return calibrated(budget, SAMPLING, STEPS)


def inputs(x: Matrix, is_numeric: Flags) -> Vector:
    """(n, width) -> (n, width + numbers) what the first layer sees."""
    weights = presence_weights(is_numeric, YES_OR_NO)
    return np.asarray((with_presence(x, is_numeric) - CENTRE) * weights, dtype=np.float64)


def forward(parameters: Parameters, x: Any, numbers: Any) -> Any:
    """(..., width + numbers) `inputs` -> (...) log-odds, in numpy or jax.numpy (`numbers`)."""
    hidden = numbers.tanh(x @ parameters["w1"] + parameters["b1"])
    return hidden @ parameters["w2"] + parameters["b2"]


def _initial(width: int, randomness: Randomness) -> Parameters:
    return {
        "w1": (randomness.normal(width * HIDDEN) / np.sqrt(width)).reshape(width, HIDDEN),
        "b1": np.zeros(HIDDEN),
        "w2": randomness.normal(HIDDEN) / np.sqrt(HIDDEN) * 0.5,
        "b2": np.zeros(()),
    }


def _by_unit(rows: Rows, most: int) -> tuple[Any, Any, Any]:
    """(units, most, width) rows, (units, most) labels, (units, most) weights of a unit's rows, 0 where it has
    none and 1 together. Where there is no unit, one without rows: its gradient is 0."""
    units, inverse, counts = np.unique(rows.unit, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    if len(counts) and counts.max() > most:
        raise ValueError(f"a unit has {counts.max()} rows, allowed {most}: bound contributions first")
    shape = max(1, len(units)), most
    x = np.zeros((*shape, rows.x.shape[1]), dtype=np.float32)
    y = np.zeros(shape, dtype=np.float32)
    weight = np.zeros(shape, dtype=np.float32)
    at = inverse[order], place
    x[at], y[at], weight[at] = rows.x[order], rows.y[order], (1 / counts)[inverse[order]]
    return x, y, weight


class Training(NamedTuple):
    """All that the proof of DP-SGD lets out. The model is a function of it; the audit attacks the whole."""

    parameters: Parameters
    noisy_sums: Vector
    """(steps, parameters) the blurred sum of clipped gradients in each step, parameters in the order of
    jax's `ravel_pytree`."""
    at: Vector
    """(steps, parameters) where each was taken."""


def train(
    rows: Rows, encoding: Encoding, plan: PoissonGaussian, unit: Unit, randomness: Randomness
) -> Training:
    """All dice are thrown beforehand, on the host; what is left is one compiled loop."""
    import jax
    import jax.numpy as jnp
    import jax_privacy
    import optax
    from jax.flatten_util import ravel_pytree

    def loss(params: Parameters, x: Any, y: Any, weight: Any) -> Any:
        log_odds = forward(params, x, jnp)
        return jnp.sum(weight * (jnp.logaddexp(0.0, log_odds) - y * log_odds))

    # One slice of the batch is one unit; it is clipped as a whole.
    clipped_sum = jax_privacy.clipped_grad(
        loss,
        l2_clip_norm=CLIP_NORM,
        batch_argnums=(1, 2, 3),
        keep_batch_dim=False,
        microbatch_size=_AT_ONCE,
    )
    seen = inputs(rows.x, encoding.is_numeric)
    units = _by_unit(Rows(seen.astype(np.float32), rows.y, rows.unit), unit.most_rows)
    initial = _initial(seen.shape[1], randomness)
    batches, padding = _batches(len(units[0]), plan, randomness)
    start, unflatten = ravel_pytree(jax.tree.map(lambda array: jnp.asarray(array, jnp.float32), initial))
    noise = (randomness.normal(plan.steps * start.size) * (plan.noise_multiplier * CLIP_NORM)).astype(
        np.float32
    )
    # Adam does not care how large the sums are, so the number of units is not needed to scale them.
    optimiser: Any = optax.adam(LEARNING_RATE / np.sqrt(plan.noise_multiplier))

    @jax.jit
    def loop(data: Any, thrown: Any) -> Any:
        def step(carried: Any, dice: Any) -> Any:
            flat, state = carried
            batch, no_unit, blur = dice
            gradient, _ = ravel_pytree(
                clipped_sum(unflatten(flat), *(array[batch] for array in data), is_padding_example=no_unit)
            )
            noisy = gradient + blur
            change, state = optimiser.update(noisy, state)
            return (flat + change, state), (noisy, flat, flat + change)

        return jax.lax.scan(step, (start, optimiser.init(start)), thrown)[1]

    noisy_sums, at, after = loop(
        jax.tree.map(jnp.asarray, units), (batches, padding, noise.reshape(plan.steps, -1))
    )
    end = unflatten(after[-AVERAGED_STEPS:].mean(axis=0))
    return Training(
        {name: np.asarray(array, dtype=np.float64) for name, array in end.items()},
        np.asarray(noisy_sums, dtype=np.float64),
        np.asarray(at, dtype=np.float64),
    )


def _batches(units: int, plan: PoissonGaussian, randomness: Randomness) -> tuple[Any, Any]:
    """(steps, longest batch) which units are in, and where a batch is over."""
    drawn = plan.batches(units, randomness)
    longest = max(1, -(-max(map(len, drawn)) // _AT_ONCE)) * _AT_ONCE
    batches = np.zeros((plan.steps, longest), dtype=np.int32)
    for row, members in zip(batches, drawn, strict=True):
        row[: len(members)] = members
    return batches, np.arange(longest) >= np.array([[len(members)] for members in drawn])


def _statement(budget: Budget, unit: Unit, encoding: Encoding, plan: PoissonGaussian) -> PrivacyStatement:
    return PrivacyStatement(
        model=NeuralNetwork.name,
        private=True,
        epsilon=budget.epsilon,
        delta=budget.delta,
        unit=unit.name,
        most_rows_per_unit=unit.most_rows,
        neighbours=NEIGHBOURS,
        mechanism=(
            f"DP-SGD: {plan.steps} steps; each takes every unit with probability {plan.sampling:g}, clips "
            f"the gradient of its mean loss to {CLIP_NORM:g} (L2) and adds Gaussian noise of "
            f"{plan.noise_multiplier:.3f} times that to the sum."
        ),
        composition="Privacy loss distributions of the Poisson-subsampled Gaussian, by dp-accounting.",
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "Gradients are summed and blurred in 32-bit floating point, the noise is drawn in 64 bits; the "
            "proof is for real numbers."
        ),
    )
