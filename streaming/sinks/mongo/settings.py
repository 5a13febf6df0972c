"""Settings of the store stage."""

from pydantic_settings import SettingsConfigDict

from streaming.sinks.settings import SinkSettings


class StoreSettings(SinkSettings):
    """The MongoDB stage: batches."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_STORE_", frozen=True)
