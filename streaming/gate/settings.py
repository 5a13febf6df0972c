"""Settings of the gate."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class GateSettings(Settings):
    """The Redis stage: batches, lateness, filters."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_GATE_", frozen=True)

    instance: str = Field(
        "0", description="Which gate this is: two at once need two names, a restarted one keeps its own"
    )
    batch_size: int = Field(5_000, ge=1, le=50_000, description="Raw messages of one transaction at most")
    linger_ms: int = Field(100, ge=1, description="How long a batch waits to fill")
    allowed_lateness_ms: int = Field(
        3_600_000, ge=0, description="How far a live session may be behind the newest of its partition"
    )
    extraction_every: int = Field(
        5_000, ge=1, description="Valid sessions of a partition after which an extraction is due"
    )
    session_capacity: int = Field(
        10_000_000, ge=1, description="Sessions the Bloom filter is first reserved for; it grows beyond"
    )
    session_error_rate: float = Field(0.001, gt=0, lt=1, description="False positives among unseen sessions")
    user_capacity: int = Field(
        1_000_000, ge=1, description="Users the Bloom filter is first reserved for; it grows beyond"
    )
    user_error_rate: float = Field(0.001, gt=0, lt=1, description="False positives among unseen users")
    settle_ms: int = Field(
        5_000,
        ge=100,
        description="Time from asking Redis to having written, after which it is asked again; "
        "a rebuild waits as long for other gates",
    )
    transaction_timeout_ms: int = Field(
        20_000, ge=1_000, description="When the broker gives up a transaction whose gate has died"
    )
    session_timeout_ms: int = Field(
        10_000, ge=6_000, description="When a silent gate's partitions go to the others"
    )
    progress_every_s: float = Field(10, gt=0, description="Seconds between two log lines of progress")
