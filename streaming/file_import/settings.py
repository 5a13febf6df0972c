"""Settings of an import."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class IngestSettings(Settings):
    """How much of the machine an import may use, and how patient it is."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_INGEST_", frozen=True)

    memory_mb: int = Field(512, ge=128, description="Memory for grouping events; more spills to disk")
    threads: int = Field(2, ge=1, description="Threads for grouping events")
    patience_s: float = Field(60.0, gt=0, description="How long to wait for the gate's next verdict")
