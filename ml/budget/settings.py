"""How much may be lost, and how time is cut."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class BudgetSettings(Settings):
    """The privacy budget of a data set that has no ledger yet; afterwards `./vitrine budget` changes it."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_BUDGET_", frozen=True)

    epsilon: float = Field(
        10.0, gt=0, description="Privacy loss that one user's sessions of one block may come to in all"
    )
    delta: float = Field(1e-5, gt=0, lt=0.1, description="Probability that this does not hold")
    block_days: int = Field(
        7, ge=1, description="Length of a block of arrival time; fixed once a data set has a ledger"
    )
    automatic_every_h: float = Field(
        20.0, ge=0, description="An extraction trains models no sooner than so long after the last release"
    )
