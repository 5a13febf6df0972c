"""What a run of all private models costs, known before it reads a row."""

from dataclasses import dataclass

from ml.models import model_store
from ml.privacy import gdp, renyi
from ml.privacy.privacy_loss import GaussianLoss, PrivacyLoss, epsilon_together
from ml.privacy.renyi import Curve
from ml.privacy.statement import Budget, Unit


@dataclass(frozen=True)
class TrainingPlan:
    """Models are learned from some users and measured on others, as a public function of the user's id
    decides: nobody pays for both."""

    models: tuple[PrivacyLoss, ...]
    metrics: GaussianLoss
    """Of the figures of all models together."""

    def costs(self, most_blocks: int) -> tuple[Curve, ...]:
        """[m - 1]: for a user who is in m blocks, and so m units, up to `most_blocks`."""
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
        """Of all that the run releases, for one unit."""
        return max(epsilon_together(self.models, delta), epsilon_together([self.metrics], delta))


def plan(budget: Budget, metrics: Budget, unit: Unit) -> TrainingPlan:
    """Each model at the price of `budget`, their published figures together at that of `metrics`."""
    losses = (kind.loss(budget, unit) for kind in model_store.PRIVATE)
    return TrainingPlan(tuple(loss for loss in losses if loss is not None), GaussianLoss(gdp.mu_of(metrics)))
