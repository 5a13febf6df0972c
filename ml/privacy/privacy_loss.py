"""What a mechanism costs each unit it reads: known before it runs, from its parameters alone."""

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
        """As Rényi divergences, for the filter."""

    def of_group(self, units: int) -> "PrivacyLoss":
        """For adding or removing `units` units at once."""

    def distribution(self) -> Any:
        """As a privacy loss distribution, for the tight sum of a plan fixed beforehand."""


@dataclass(frozen=True)
class GaussianLoss:
    """mu-GDP: Gaussian noise of standard deviation sensitivity / mu, or several that compose to it."""

    mu: float

    def curve(self) -> Curve:
        return renyi.gaussian(self.mu)

    def of_group(self, units: int) -> "GaussianLoss":
        """The sensitivity grows by as much."""
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
    """The epsilon at `delta` of all of `losses`, each known before the first runs, by composing their privacy
    loss distributions (pessimistic rounding)."""
    if not losses:
        return 0.0
    first, *rest = (loss.distribution() for loss in losses)
    for distribution in rest:
        first = first.compose(distribution)
    return float(first.get_epsilon_for_delta(delta))
