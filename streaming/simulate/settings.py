"""What the simulated traffic is like."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings


class TrafficSettings(Settings):
    """One run of the shop. Equal settings give equal bytes, in any process and on any day.

    A rate is a share of `sessions`; those of what is wrong with a message exclude one another, and duplicates
    come on top of `sessions`.
    """

    model_config = SettingsConfigDict(env_prefix="VITRINE_SIMULATE_", frozen=True)

    sessions: int = Field(20_000, ge=0, description="Sessions to make, duplicates aside")
    seed: int = Field(1, ge=0, description="The same seed gives the same people and the same bytes")
    users: int = Field(4_000, ge=1, description="People who visit the shop")
    start_ms: int = Field(
        1_767_225_600_000,
        ge=21_600_000,
        description="When the traffic begins, ms since 1970",
    )
    span_s: float = Field(86_400.0, gt=0, description="Event time that the traffic covers, in seconds")
    steady: bool = Field(False, description="Even traffic instead of a day's rhythm")

    unknown_device_rate: float = Field(0.03, ge=0, le=1, description="Sessions of unknown devices")
    unknown_referrer_rate: float = Field(0.03, ge=0, le=1, description="Sessions of unknown referrers")
    late_rate: float = Field(0.01, ge=0, le=1, description="Sessions that arrive 2 to 6 hours late")
    broken_rate: float = Field(0.01, ge=0, le=1, description="Messages that break the contract")
    duplicate_rate: float = Field(0.03, ge=0, le=1, description="Sessions sent again, byte for byte")
