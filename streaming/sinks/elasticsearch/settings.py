"""Settings of the index stage."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.sinks.settings import SinkSettings


class IndexSettings(SinkSettings):
    """The Elasticsearch stage: batches."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_INDEX_", frozen=True)

    batch_size: int = Field(5_000, ge=1, le=50_000, description="Records written at once at most")
