"""The accounting of training in Poisson-sampled steps with Gaussian noise."""

from dataclasses import dataclass
from typing import Any

import dp_accounting
from dp_accounting.pld import PLDAccountant

from ml.privacy.statement import Budget


@dataclass(frozen=True)
class PoissonGaussian:
    """`steps` times: each unit is taken with probability `sampling`, independently; the sum of vectors no
    longer than c gets Gaussian noise of standard deviation c * noise_multiplier."""

    sampling: float
    steps: int
    noise_multiplier: float

    def epsilon(self, delta: float) -> float:
        """For adding or removing one unit, by privacy loss distributions (pessimistic rounding)."""
        return float(
            _accountant().compose(_event(self.sampling, self.steps, self.noise_multiplier)).get_epsilon(delta)
        )


def calibrated(budget: Budget, sampling: float, steps: int) -> PoissonGaussian:
    """The plan with the least noise within `budget`, to three digits and never over it."""
    multiplier = dp_accounting.calibrate_dp_mechanism(
        _accountant,
        lambda noise: _event(sampling, steps, noise),
        budget.epsilon,
        budget.delta,
        dp_accounting.ExplicitBracketInterval(0.1, 1_000.0),
        tol=1e-3,
    )
    return PoissonGaussian(sampling, steps, float(multiplier))


def _accountant() -> Any:
    return PLDAccountant(dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE)


def _event(sampling: float, steps: int, multiplier: float) -> Any:
    step = dp_accounting.PoissonSampledDpEvent(sampling, dp_accounting.GaussianDpEvent(multiplier))
    return dp_accounting.SelfComposedDpEvent(step, steps)
