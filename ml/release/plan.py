"""The privacy loss of a run of all private models, known before it reads a row."""

from dataclasses import dataclass

from ml.models import model_store
from ml.privacy import gdp, renyi
from ml.privacy.privacy_loss import GaussianLoss, PrivacyLoss, epsilon_together
from ml.privacy.renyi import Curve
from ml.privacy.statement import Budget, Unit


@dataclass(frozen=True)
class TrainingPlan:
    """A public function of the user's id decides whether models are trained or tested on a user, so no user
    pays for both."""

    models: tuple[PrivacyLoss, ...]
    metrics: GaussianLoss
    """The privacy loss of the figures of all models together."""

    def costs(self, most_blocks: int) -> tuple[Curve, ...]:
        """Returns at [m - 1] the cost for a user who is in m blocks, and so is m units, up to
        `most_blocks`."""
        return tuple(
            renyi.highest(
                [
                    renyi.total([loss.of_group(units).curve() for loss in self.models]),
                    self.metrics.of_group(units).curve(),
                ]
            )
            for units in range(1, most_blocks + 1)
        )

    def epsilon(self, delta: float) -> float:
        """Returns the epsilon of everything that the run releases, for one unit."""
        return max(epsilon_together(self.models, delta), epsilon_together([self.metrics], delta))


def plan(budget: Budget, metrics: Budget, unit: Unit) -> TrainingPlan:
    """Returns the plan in which each model costs `budget`, and the published figures together cost
    `metrics`."""
    losses = (kind.loss(budget, unit) for kind in model_store.PRIVATE)
    return TrainingPlan(tuple(loss for loss in losses if loss is not None), GaussianLoss(gdp.mu_of(metrics)))
