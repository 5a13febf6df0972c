"""Settings of deduplication."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.contract.horizon import Horizon
from streaming.contract.time_units import DAY_MS
from streaming.settings import Settings


class DedupSettings(Settings):
    """Horizon, filters and counters. All gates of one log need the same."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_GATE_", frozen=True)

    horizon_ms: int = Field(
        21 * DAY_MS,
        ge=DAY_MS // 24,
        description="How long repetitions are recognised; a live session that ended longer before its "
        "arrival is refused as beyond_horizon, and a user is new who had no session for so long. At most the "
        "topics' retention, less the longest time the gate may be behind",
    )
    horizon_segments: int = Field(
        4, ge=1, le=64, description="In how many parts the horizon is forgotten; more are dearer to ask"
    )
    session_capacity: int = Field(
        10_000_000, ge=1, description="Sessions within the horizon that the Bloom filters are reserved for"
    )
    session_error_rate: float = Field(0.001, gt=0, lt=1, description="False positives among unseen sessions")
    user_capacity: int = Field(
        1_000_000, ge=1, description="Users within a segment that the Bloom filters are reserved for"
    )
    user_error_rate: float = Field(0.001, gt=0, lt=1, description="False positives among unseen users")
    hours_kept_ms: int = Field(
        35 * DAY_MS,
        ge=0,
        description="How long distinct users are kept by the hour of their session; by the day for ever",
    )

    @property
    def horizon(self) -> Horizon:
        """As it is cut."""
        return Horizon(self.horizon_ms, self.horizon_segments)
