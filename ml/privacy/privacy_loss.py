"""The privacy loss of mechanisms: known before they run, from their parameters alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dp_accounting.pld import common, privacy_loss_distribution

from ml.privacy import renyi
from ml.privacy.renyi import Curve

_INTERVAL = 1e-4


class PrivacyLoss(Protocol):
    """A mechanism's privacy loss for adding or removing one unit."""

    def curve(self) -> Curve:
        """Returns the loss as Rényi divergences, for the Rényi filter."""

    def of_group(self, units: int) -> "PrivacyLoss":
        """Returns the loss for adding or removing `units` units at once."""

    def distribution(self) -> Any:
        """Returns the loss as a privacy loss distribution, for tight composition of a plan fixed
        beforehand."""


@dataclass(frozen=True)
class GaussianLoss:
    """mu-GDP: Gaussian noise of standard deviation sensitivity / mu, or several releases that compose to
    it."""

    mu: float

    def curve(self) -> Curve:
        return renyi.gaussian(self.mu)

    def of_group(self, units: int) -> "GaussianLoss":
        """The sensitivity grows by the factor `units`."""
        return GaussianLoss(self.mu * units)

    def distribution(self) -> Any:
        return privacy_loss_distribution.from_gaussian_mechanism(
            1 / self.mu, value_discretization_interval=_INTERVAL
        )


@dataclass(frozen=True)
class PureLoss:
    """epsilon-DP without a delta, whatever the mechanism."""

    epsilon: float

    def curve(self) -> Curve:
        return renyi.pure(self.epsilon)

    def of_group(self, units: int) -> "PureLoss":
        return PureLoss(self.epsilon * units)

    def distribution(self) -> Any:
        parameters = common.DifferentialPrivacyParameters(self.epsilon, 0.0)
        return privacy_loss_distribution.from_privacy_parameters(
            parameters, value_discretization_interval=_INTERVAL
        )


def epsilon_together(losses: Sequence[PrivacyLoss], delta: float) -> float:
    """Returns epsilon at `delta` of all `losses` together, by composing their privacy loss distributions
    (rounded up). Valid only if all are known before the first mechanism runs."""
    if not losses:
        return 0.0
    first, *rest = (loss.distribution() for loss in losses)
    for distribution in rest:
        first = first.compose(distribution)
    return float(first.get_epsilon_for_delta(delta))
