"""A small network trained with DP-SGD: each unit's gradient is clipped, noise is added to the sum of
gradients, and batches are drawn by Poisson sampling."""

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
"""Divided by the square root of the noise multiplier: with less noise, steps can be longer."""
AVERAGED_STEPS = 100
"""The model is the mean of its parameters after each of the last so many steps, which averages noise out."""
CENTRE = 0.25
"""Subtracted from inputs in [0, 1], because counts and durations are mostly near their lower bounds."""
YES_OR_NO = 0.5
"""The weight of a 0/1 input relative to a number's."""
_AT_ONCE = 512
"""Number of units whose gradients are in memory at a time."""

Parameters = dict[str, Any]


class NeuralNetwork:
    """One layer of HIDDEN tanh units; the output is the log-odds. The inputs are numbers, whether each number
    is above its lower bound, and words."""

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
        """Returns the model of `fit`, and everything else that its proof treats as released."""
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
    """Returns the training's mechanism with the least noise that `budget` allows."""
    return calibrated(budget, SAMPLING, STEPS)


def inputs(x: Matrix, is_numeric: Flags) -> Vector:
    """(n, width) -> (n, width + numbers) inputs of the first layer."""
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
    """Returns (units, most, width) rows, (units, most) labels and (units, most) weights of a unit's rows: 0
    for padding, with a sum of 1. If `rows` is empty, returns one unit without rows, whose gradient is 0."""
    units, inverse, counts = np.unique(rows.unit, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    if len(counts) and counts.max() > most:
        raise ValueError(f"a unit has {counts.max()} rows, allowed are {most}: bound contributions first")
    shape = max(1, len(units)), most
    x = np.zeros((*shape, rows.x.shape[1]), dtype=np.float32)
    y = np.zeros(shape, dtype=np.float32)
    weight = np.zeros(shape, dtype=np.float32)
    at = inverse[order], place
    x[at], y[at], weight[at] = rows.x[order], rows.y[order], (1 / counts)[inverse[order]]
    return x, y, weight


class Training(NamedTuple):
    """Everything that the proof of DP-SGD treats as released. The model is a function of it; the audit
    attacks all of it."""

    parameters: Parameters
    noisy_sums: Vector
    """(steps, parameters) the noisy sum of clipped gradients of each step, parameters in the order of jax's
    `ravel_pytree`."""
    at: Vector
    """(steps, parameters) the parameters at which each sum was computed."""


def train(
    rows: Rows, encoding: Encoding, plan: PoissonGaussian, unit: Unit, randomness: Randomness
) -> Training:
    """Draws all randomness beforehand, on the host, and runs the steps as one compiled loop."""
    import jax
    import jax.numpy as jnp
    import jax_privacy
    import optax
    from jax.flatten_util import ravel_pytree

    def loss(params: Parameters, x: Any, y: Any, weight: Any) -> Any:
        log_odds = forward(params, x, jnp)
        return jnp.sum(weight * (jnp.logaddexp(0.0, log_odds) - y * log_odds))

    # One slice of the batch is one unit, whose gradient is clipped as a whole.
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
    # Adam's steps do not depend on the scale of the sums, so the number of units is not needed to scale them.
    optimiser: Any = optax.adam(LEARNING_RATE / np.sqrt(plan.noise_multiplier))

    @jax.jit
    def loop(data: Any, drawn: Any) -> Any:
        def step(carried: Any, of_step: Any) -> Any:
            flat, state = carried
            batch, no_unit, step_noise = of_step
            gradient, _ = ravel_pytree(
                clipped_sum(unflatten(flat), *(array[batch] for array in data), is_padding_example=no_unit)
            )
            noisy = gradient + step_noise
            change, state = optimiser.update(noisy, state)
            return (flat + change, state), (noisy, flat, flat + change)

        return jax.lax.scan(step, (start, optimiser.init(start)), drawn)[1]

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
    """Returns (steps, longest batch) the units of each batch, and true for the padding after its end."""
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
            f"DP-SGD: {plan.steps} steps; each samples every unit with probability {plan.sampling:g}, clips "
            f"the gradient of a unit's mean loss to {CLIP_NORM:g} (L2) and adds Gaussian noise of "
            f"{plan.noise_multiplier:.3f} times this norm to the sum of the gradients."
        ),
        composition="Privacy loss distributions of the Poisson-subsampled Gaussian, from dp-accounting.",
        public=(f"bounds and word lists of the schema {encoding.schema.name}", "all hyper-parameters"),
        real_arithmetic=(
            "The proof is for real numbers. Gradients are summed, and noise is added, in 32-bit floating "
            "point; the noise is drawn in 64 bits."
        ),
    )
