"""Batches are sampled as the accounting assumes, and the test detects samplers that are not."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import chi2, norm
from support import shop

from ml.features.rows import Rows
from ml.models import neural_network
from ml.privacy.poisson import PoissonGaussian
from ml.privacy.randomness import Integers, SystemRandomness
from ml.privacy.statement import Unit

PLAN = PoissonGaussian(sampling=0.2, steps=200, noise_multiplier=1.0)
UNITS = 500
ALARM = 1e-6
"""A correct sampler is reported as faulty once in a million runs."""

Member = npt.NDArray[np.bool_]
"""(steps, units) who is in which batch."""


def suspicion(member: Member, sampling: float) -> float:
    """A p-value of `member` being independent coins of bias `sampling`: how often some are in, how much batch
    sizes vary, how much units vary, and how many stay from one batch to the next; Bonferroni over the
    four."""
    steps, units = member.shape
    variance = sampling * (1 - sampling)
    sizes, times = member.sum(axis=1), member.sum(axis=0)
    stay = int((member[1:] & member[:-1]).sum()), member[1:].size * sampling**2
    # The overlaps of neighbouring steps share a batch: hence the covariance term.
    spread = np.sqrt(stay[1] * (1 - sampling**2) + 2 * (steps - 2) * units * sampling**3 * (1 - sampling))
    in_all = (member.sum() - member.size * sampling) / np.sqrt(member.size * variance)
    return min(
        1.0,
        4
        * min(
            2 * float(norm.sf(abs(in_all))),
            _two_sided(((sizes - units * sampling) ** 2).sum() / (units * variance), steps),
            _two_sided(((times - steps * sampling) ** 2).sum() / (steps * variance), units),
            2 * float(norm.sf(abs(stay[0] - stay[1]) / spread)),
        ),
    )


def _two_sided(statistic: float, freedom: int) -> float:
    return 2 * min(float(chi2.sf(statistic, freedom)), float(chi2.cdf(statistic, freedom)))


def of_fixed_size(rng: np.random.Generator) -> Member:
    """Batches of a fixed size, drawn without replacement, each independently."""
    taken = np.argsort(rng.random((PLAN.steps, UNITS)), axis=1)[:, : int(UNITS * PLAN.sampling)]
    member = np.zeros((PLAN.steps, UNITS), dtype=bool)
    np.put_along_axis(member, taken, True, axis=1)
    return member


def shuffled(rng: np.random.Generator) -> Member:
    """Each unit once per epoch, like data loaders."""
    epochs = round(PLAN.steps * PLAN.sampling)
    parts = round(1 / PLAN.sampling)
    member = np.zeros((PLAN.steps, UNITS), dtype=bool)
    for epoch in range(epochs):
        for part, units in enumerate(np.array_split(rng.permutation(UNITS), parts)):
            member[epoch * parts + part, units] = True
    return member


def shuffled_with_sizes_of_chance(rng: np.random.Generator) -> Member:
    """An endless row of shuffles cut at binomial lengths: only who follows whom gives it away."""
    sizes = rng.binomial(UNITS, PLAN.sampling, PLAN.steps)
    row = np.concatenate([rng.permutation(UNITS) for _ in range(2 + sizes.sum() // UNITS)])
    member = np.zeros((PLAN.steps, UNITS), dtype=bool)
    for step, (size, end) in enumerate(zip(sizes, sizes.cumsum(), strict=True)):
        member[step, row[end - size : end]] = True
    return member


def in_every_other(rng: np.random.Generator) -> Member:
    """A batch used twice."""
    return (rng.random((PLAN.steps // 2, UNITS)) < PLAN.sampling).repeat(2, axis=0)


def at_a_higher_rate(rng: np.random.Generator) -> Member:
    return rng.random((PLAN.steps, UNITS)) < PLAN.sampling * 1.05


FAULTS = (of_fixed_size, shuffled, shuffled_with_sizes_of_chance, in_every_other, at_a_higher_rate)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_caught_nine_times_of_ten(fault: Callable[[np.random.Generator], Member]) -> None:
    caught = sum(suspicion(fault(np.random.default_rng(seed)), PLAN.sampling) < ALARM for seed in range(10))
    assert caught >= 9


def test_suspicion_is_a_p_value_for_truly_random_draws() -> None:
    found = [
        suspicion(np.random.default_rng(seed).random((PLAN.steps, UNITS)) < PLAN.sampling, PLAN.sampling)
        for seed in range(200)
    ]
    assert np.mean(np.array(found) < 0.1) < 0.2


def test_batches_are_poisson() -> None:
    member = np.zeros((PLAN.steps, UNITS), dtype=bool)
    for taken, batch in zip(member, PLAN.batches(UNITS, SystemRandomness()), strict=True):
        taken[batch] = True
    assert suspicion(member, PLAN.sampling) > ALARM


@pytest.fixture
def batch_sizes(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], npt.NDArray[np.float64]]:
    """Of a training over so many units, seen from its sums alone. The units are alike, the network stands
    still and there is next to no noise: a sum is a clipped gradient times the size of the batch."""
    monkeypatch.setattr(neural_network, "LEARNING_RATE", 0.0)

    def sizes(units: int) -> npt.NDArray[np.float64]:
        one = shop.rows(1, seed=3)
        alike = Rows(one.x.repeat(units, axis=0), one.y.repeat(units), np.arange(units, dtype=np.int64))
        plan = PoissonGaussian(PLAN.sampling, steps=60, noise_multiplier=1e-7)
        trained = neural_network.train(alike, shop.ENCODING, plan, Unit("row", 1), SystemRandomness())
        return np.asarray(np.linalg.norm(trained.noisy_sums, axis=1) / neural_network.CLIP_NORM)

    return sizes


def size_suspicion(sizes: npt.NDArray[np.float64], units: int) -> float:
    variance = units * PLAN.sampling * (1 - PLAN.sampling)
    return _two_sided(((sizes - units * PLAN.sampling) ** 2).sum() / variance, len(sizes))


def test_the_training_sums_over_such_batches_and_clips_each_unit(
    batch_sizes: Callable[[int], npt.NDArray[np.float64]],
) -> None:
    sizes = batch_sizes(400)
    assert np.allclose(sizes, np.rint(sizes), atol=0.05)
    assert size_suspicion(sizes, 400) > ALARM


def test_a_training_on_batches_of_one_size_is_caught(
    batch_sizes: Callable[[int], npt.NDArray[np.float64]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_one_size(self: PoissonGaussian, units: int, randomness: SystemRandomness) -> list[Integers]:
        size = int(units * self.sampling)
        return [np.argsort(randomness.uniform(units))[:size] for _ in range(self.steps)]

    monkeypatch.setattr(PoissonGaussian, "batches", of_one_size)
    assert size_suspicion(batch_sizes(400), 400) < ALARM
