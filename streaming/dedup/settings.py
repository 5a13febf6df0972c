"""Settings of deduplication."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.contract.horizon import Horizon
from streaming.contract.time_units import DAY_MS
from streaming.dedup.counters import Kept
from streaming.settings import PseudonymSettings
from streaming.words.settings import WordSettings


class DedupSettings(WordSettings, PseudonymSettings):
    """Horizon, filters, counters, the words that have counters, and the key of pseudonyms. All gates of one
    log must have the same settings."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_GATE_", frozen=True)

    horizon_ms: int = Field(
        21 * DAY_MS,
        ge=DAY_MS // 24,
        description="How long repeats are recognised; a live session that ended longer before its "
        "arrival is rejected as beyond_horizon, and a user without a session for so long is new. At most the "
        "topics' retention minus the longest time the gate may be behind",
    )
    horizon_segments: int = Field(
        4, ge=1, le=64, description="Segments of the horizon, dropped one by one; more make claims slower"
    )
    session_capacity: int = Field(
        10_000_000,
        ge=1,
        description="Number of sessions within the horizon for which Bloom filters are reserved",
    )
    session_error_rate: float = Field(
        0.001, gt=0, lt=1, description="Share of false positives among new sessions"
    )
    user_capacity: int = Field(
        1_000_000, ge=1, description="Number of users within a segment for which Bloom filters are reserved"
    )
    user_error_rate: float = Field(0.001, gt=0, lt=1, description="Share of false positives among new users")
    hours_kept_ms: int = Field(
        35 * DAY_MS,
        ge=0,
        description="How long counters of distinct users per hour are kept",
    )
    days_kept_ms: int = Field(
        400 * DAY_MS,
        ge=DAY_MS,
        description="How long counters of distinct users per day are kept. Older days, as of an old import, "
        "are not counted: raise it before the import, or count again with ./vitrine distinct --recount",
    )
    overdue_kept_ms: int = Field(
        30 * DAY_MS,
        ge=0,
        description="How long counters of an earlier release, which never expired, are kept after the first "
        "start if their day is longer ago than days_kept_ms. To keep them, raise that meanwhile and start "
        "the gate again",
    )
    imports_max: int = Field(
        10_000,
        ge=1,
        description="Number of imports whose first arrival is kept; sessions of a further one are rejected "
        "as too_many_imports",
    )

    @property
    def kept(self) -> Kept:
        """How long counters are kept."""
        return Kept(self.hours_kept_ms, self.days_kept_ms)

    @property
    def horizon(self) -> Horizon:
        """The horizon with its segments."""
        return Horizon(self.horizon_ms, self.horizon_segments)
