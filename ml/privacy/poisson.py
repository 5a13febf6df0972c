"""Training in Poisson-sampled steps with Gaussian noise: the units of each step, and the privacy loss."""

import math
from dataclasses import dataclass
from typing import Any

import dp_accounting
import numpy as np
from dp_accounting.pld import PLDAccountant, privacy_loss_distribution
from dp_accounting.rdp import RdpAccountant

from ml.privacy import gdp
from ml.privacy.randomness import Integers, Randomness
from ml.privacy.renyi import ORDERS, Curve
from ml.privacy.statement import Budget


@dataclass(frozen=True)
class PoissonGaussian:
    """`steps` times: each unit is sampled with probability `sampling`, independently, and Gaussian noise of
    standard deviation c * noise_multiplier is added to a sum of vectors no longer than c."""

    sampling: float
    steps: int
    noise_multiplier: float

    def batches(self, units: int, randomness: Randomness) -> list[Integers]:
        """Returns the units of each step, out of `units`. Batches vary in size, as the accounting assumes; it
        would not hold for shuffled batches of a fixed size (Chua et al. 2024: How Private are DP-SGD
        Implementations?)."""
        return [np.flatnonzero(randomness.uniform(units) < self.sampling) for _ in range(self.steps)]

    def epsilon(self, delta: float) -> float:
        """Returns epsilon for adding or removing one unit, from privacy loss distributions (rounded up)."""
        return float(
            _accountant().compose(_event(self.sampling, self.steps, self.noise_multiplier)).get_epsilon(delta)
        )

    def curve(self) -> Curve:
        """Computed by dp-accounting's RDP of the Poisson-subsampled Gaussian (Mironov, Talwar, Zhang
        2019)."""
        accountant = RdpAccountant(ORDERS, dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)
        return tuple(
            map(float, accountant.compose(_event(self.sampling, self.steps, self.noise_multiplier)).rdp)
        )

    def of_group(self, units: int) -> "PoissonGaussian":
        """Returns an upper bound: assumes that if one unit of the group is sampled, all are. The true number
        in a step is binomial; replacing it by `units` whenever it is above 0 can only raise the loss (Ganesh
        2024: mixtures of Gaussians with stochastically larger sensitivities dominate)."""
        if units == 1:
            return self
        return PoissonGaussian(1 - (1 - self.sampling) ** units, self.steps, self.noise_multiplier / units)

    def distribution(self) -> Any:
        """Returns the privacy loss distribution (rounded up)."""
        step = privacy_loss_distribution.from_gaussian_mechanism(
            self.noise_multiplier, value_discretization_interval=1e-4, sampling_prob=self.sampling
        )
        return step.self_compose(self.steps)


def calibrated(budget: Budget, sampling: float, steps: int) -> PoissonGaussian:
    """Returns the mechanism with the least noise, to three digits, that does not exceed `budget`.

    The search starts from the estimate of the central limit theorem of Gaussian differential privacy (Bu,
    Dong, Long, Su 2020): mu = sampling * sqrt(steps * (exp(1 / multiplier^2) - 1)), which is slightly too
    little noise.
    """
    mu = gdp.mu_of(budget)
    about = 1 / math.sqrt(math.log1p((mu / sampling) ** 2 / steps))
    multiplier = dp_accounting.calibrate_dp_mechanism(
        lambda: _accountant(max(1e-4, 1e-3 * min(1.0, budget.epsilon))),
        lambda noise: _event(sampling, steps, noise),
        budget.epsilon,
        budget.delta,
        dp_accounting.LowerEndpointAndGuess(0.8 * about, 1.1 * about),
        tol=1e-3 * about,
    )
    return PoissonGaussian(sampling, steps, float(multiplier))


def _accountant(interval: float = 1e-4) -> Any:
    """Returns an accountant that rounds losses up to multiples of `interval`. A wider interval is faster and
    overestimates more."""
    return PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE, interval)


def _event(sampling: float, steps: int, multiplier: float) -> Any:
    step = dp_accounting.PoissonSampledDpEvent(sampling, dp_accounting.GaussianDpEvent(multiplier))
    return dp_accounting.SelfComposedDpEvent(step, steps)
