"""Settings of the gate."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from streaming.contract.consent import IMPORTS
from streaming.contract.feeds import is_named_like_an_import
from streaming.contract.session import LIVE_FEED, Word
from streaming.contract.time_units import HOUR_MS
from streaming.dedup.settings import DedupSettings
from streaming.settings import ConsentSettings, ImportSettings


def exceeds_retention(horizon_ms: int, retention_ms: Mapping[str, int | None]) -> str | None:
    """Returns why topics with this retention (None: for ever) are too short for the horizon, or None."""
    for topic, kept_ms in retention_ms.items():
        if kept_ms is not None and kept_ms < horizon_ms:
            return (
                f"VITRINE_GATE_HORIZON_MS={horizon_ms} is longer than the topic {topic} keeps its records "
                f"(retention.ms={kept_ms}): what Redis lost could not be rebuilt. Shorten the horizon or "
                "lengthen the retention."
            )
    return None


class GateSettings(DedupSettings, ImportSettings, ConsentSettings):
    """The Redis stage: batches, lateness, horizon, filters, consent. All gates of one log need the
    same horizon."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_GATE_", frozen=True)

    instance: str = Field(
        "0",
        description="Name of this gate; several at once need different ones, a restarted one its own",
    )
    batch_size: int = Field(5_000, ge=1, le=50_000, description="Raw messages of one transaction at most")
    linger_ms: int = Field(100, ge=1, description="How long a batch waits to fill")
    allowed_lateness_ms: int = Field(
        HOUR_MS, ge=0, description="How far a live session may be behind the newest of its partition"
    )
    feeds: tuple[Word, ...] = Field(
        (),
        max_length=100,
        description="Feeds that are accepted besides live and those of ./vitrine ingest, a JSON list. Their "
        "sessions are never late, and may be as old as those of an import",
    )

    @model_validator(mode="after")
    def _consent_is_of_feeds(self) -> Self:
        """A name that no session has would let through what somebody meant to refuse."""
        known = {LIVE_FEED, IMPORTS, *self.feeds}
        unknown = [
            feed for feed in self.consent_by_feed if feed not in known and not is_named_like_an_import(feed)
        ]
        if unknown:
            raise ValueError(
                f"VITRINE_CONSENT_BY_FEED names what is no feed: {', '.join(sorted(unknown))}. There are "
                f"{LIVE_FEED}, {IMPORTS}, the names of imports, and those of VITRINE_GATE_FEEDS"
            )
        return self

    extraction_every: int = Field(
        5_000, ge=1, description="Valid sessions of a partition after which an extraction is due"
    )
    warn_at_fill: float = Field(
        0.8, gt=0, description="Share of a filter's capacity above which the log warns of it"
    )
    settle_ms: int = Field(
        5_000,
        ge=100,
        description="Time from claiming in Redis to having written, after which the claims are checked "
        "again; a rebuild waits as long for other gates",
    )
    transaction_timeout_ms: int = Field(
        20_000, ge=1_000, description="Time after which the broker aborts the transaction of a gate that died"
    )
    session_timeout_ms: int = Field(
        10_000, ge=6_000, description="Time after which the partitions of a silent gate go to the others"
    )
    progress_every_s: float = Field(10, gt=0, description="Seconds between two log lines of progress")
