"""How long the access record is kept."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class AccessRecordSettings(Settings):
    """The record of who looked at single persons and exact figures, and who changed a privacy budget."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_ACCESS_RECORD_", frozen=True)

    keep_days: int = Field(
        365,
        ge=1,
        description="Days for which an entry is kept; dropped with its month, once all of it is older",
    )
