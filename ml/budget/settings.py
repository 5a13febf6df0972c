"""Settings of the privacy budget and its blocks."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class BudgetSettings(Settings):
    """The privacy budget of a data set that has no ledger yet; later changes are made with `./vitrine
    budget`."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_BUDGET_", frozen=True)

    epsilon: float = Field(
        10.0,
        gt=0,
        description="Epsilon: the most that all runs together may cost one user's sessions of one block",
    )
    delta: float = Field(1e-5, gt=0, lt=0.1, description="Delta: probability that this bound does not hold")
    block_days: int = Field(
        7, ge=1, description="Length of a block of arrival time; fixed once a data set has a ledger"
    )
    automatic_every_h: float = Field(
        20.0, ge=0, description="Hours after the last release before an extraction starts the next training"
    )
    ledger_dir: Path | None = Field(
        None,
        description="Folder of the privacy ledger's outer link, without which the ledger could be rewound "
        "unseen: never restore it from a backup. All machines that charge share it, and its file system "
        "supports locks. Without this setting: `ledger` in the data folder",
    )
    ledger_key: SecretStr | None = Field(
        None,
        min_length=32,
        description="Key that signs the privacy ledger's entries, at least 32 characters. Without it, one is "
        "generated in the folder of the outer link",
    )
