"""Settings that both sinks have."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class SinkSettings(Settings):
    """How a sink forms its batches."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    batch_size: int = Field(2_000, ge=1, le=50_000, description="Records written at once at most")
    linger_ms: int = Field(200, ge=1, description="How long a batch waits to fill")
    session_timeout_ms: int = Field(
        10_000, ge=6_000, description="Time after which the partitions of a silent instance go to the others"
    )
