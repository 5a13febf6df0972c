"""Settings of an import."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import ImportSettings


class IngestSettings(ImportSettings):
    """How much memory and how many threads an import may use, and how long it waits for the gate."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_INGEST_", frozen=True)

    memory_mb: int = Field(
        512, ge=128, description="Memory for grouping events; beyond it DuckDB uses the disk"
    )
    threads: int = Field(2, ge=1, description="Threads for grouping events")
    patience_s: float = Field(60.0, gt=0, description="How long to wait for the gate's next outcome")
