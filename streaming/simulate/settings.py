"""Settings of the simulated traffic."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.contract.session import EARLIEST_TIME_MS, FIRST_VERSION, SCHEMA_VERSION
from streaming.contract.time_units import HOUR_MS
from streaming.settings import Settings


class TrafficSettings(Settings):
    """One run of the simulation. Equal settings give equal bytes, in any process and on any day.

    A rate is a share of `sessions`. A session has at most one peculiarity (unknown device, unknown referrer,
    late, broken or without consent); duplicates come in addition to `sessions`.
    """

    model_config = SettingsConfigDict(env_prefix="VITRINE_SIMULATE_", frozen=True)

    sessions: int = Field(20_000, ge=0, description="Number of sessions, without duplicates")
    seed: int = Field(1, ge=0, description="The same seed gives the same people and the same bytes")
    users: int = Field(4_000, ge=1, description="Number of people who visit the shop")
    start_ms: int = Field(
        1_767_225_600_000,
        ge=EARLIEST_TIME_MS + 6 * HOUR_MS,
        description="When the traffic begins, ms since 1970; 6 hours after 2000 began at the earliest",
    )
    span_s: float = Field(86_400.0, gt=0, description="Event time that the traffic covers, in seconds")
    schema_version: int = Field(
        SCHEMA_VERSION, ge=FIRST_VERSION, le=SCHEMA_VERSION, description="Version of the contract to send"
    )
    steady: bool = Field(False, description="Even traffic instead of a day's rhythm")

    unknown_device_rate: float = Field(
        0.03, ge=0, le=1, description="Share of sessions with an unknown device"
    )
    unknown_referrer_rate: float = Field(
        0.03, ge=0, le=1, description="Share of sessions with an unknown referrer"
    )
    late_rate: float = Field(0.01, ge=0, le=1, description="Share of sessions that arrive 2 to 6 hours late")
    broken_rate: float = Field(0.01, ge=0, le=1, description="Share of messages that break the contract")
    no_consent_rate: float = Field(
        0.02, ge=0, le=1, description="Share of sessions whose users refuse analytics; none of version 1"
    )
    duplicate_rate: float = Field(
        0.03, ge=0, le=1, description="Share of sessions sent a second time, byte for byte"
    )
