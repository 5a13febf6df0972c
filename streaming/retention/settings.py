"""How long every store keeps what it holds, and which of these settings contradict each other."""

from collections.abc import Iterator

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.contract import topics
from streaming.contract.time_units import DAY_MS
from streaming.retention.plan import EXTRACTS, FOR_EVER, REPORTS, SESSIONS, TASK_LOGS, TRUSTED
from streaming.settings import Settings

LONGEST_MONTH_DAYS = 31
_MONTHS = "; whole months go, so up to a month longer. 0: for ever"


class RetentionSettings(Settings):
    """How many days each store keeps what it holds; the DAG `retention` deletes what is older. Kafka's topics
    have a setting of their own (VITRINE_KAFKA_RETENTION_MS), and so has the access record."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_RETENTION_", frozen=True)

    sessions_days: int = Field(
        400, ge=0, description=f"Sessions in MongoDB, by event time, also those of imports{_MONTHS}"
    )
    search_days: int = Field(
        400,
        ge=0,
        description="Session summaries and sentiments of reviews in Elasticsearch, by event time: at most as "
        f"long as sessions{_MONTHS}",
    )
    windows_days: int = Field(
        800, ge=0, description=f"Window totals in Elasticsearch, which hold no single session{_MONTHS}"
    )
    extracts_days: int = Field(
        400, ge=0, description=f"Rows of extracts, by event time: at most as long as sessions{_MONTHS}"
    )
    trusted_days: int = Field(
        90, ge=0, description="Exact figures and non-private baselines of a run, after their last change. "
        "0: for ever",
    )  # fmt: skip
    reports_days: int = Field(
        0, ge=0, description="Reports, which are differentially private, after their last change. 0: for ever"
    )
    logs_days: int = Field(
        90, ge=0, description="Logs of Airflow's tasks, after their last change. 0: for ever"
    )
    task_logs: str = Field(
        "", description="Folder of Airflow's logs; the stack sets it. If empty, none are deleted"
    )

    def days(self) -> dict[str, int]:
        """Returns the days by place, as `plan.limits` takes them."""
        return {
            SESSIONS: self.sessions_days,
            topics.SESSION_SUMMARIES: self.search_days,
            topics.PRODUCT_SENTIMENT: self.search_days,
            topics.PRODUCT_ACTIVITY: self.windows_days,
            EXTRACTS: self.extracts_days,
            TRUSTED: self.trusted_days,
            REPORTS: self.reports_days,
            TASK_LOGS: self.logs_days,
        }


def contradictions(own: RetentionSettings, topics_ms: int, state_ttl_ms: int) -> Iterator[str]:
    """Yields a sentence on each setting that would keep something longer than what it follows from, or lose
    something before its time. `topics_ms`: how long Kafka keeps records (negative: for ever). `state_ttl_ms`:
    how long the Flink job keeps the totals of a window after its last session (0: for ever)."""
    if _exceeds_ms(topics_ms if topics_ms >= 0 else None, own.sessions_days):
        yield (
            f"VITRINE_KAFKA_RETENTION_MS={topics_ms} keeps sessions in the topics for longer than "
            f"VITRINE_RETENTION_SESSIONS_DAYS={own.sessions_days} keeps them in MongoDB. Shorten the one or "
            "lengthen the other."
        )
    for name, days in (("SEARCH", own.search_days), ("EXTRACTS", own.extracts_days)):
        if _exceeds_ms(days * DAY_MS if days != FOR_EVER else None, own.sessions_days):
            yield (
                f"VITRINE_RETENTION_{name}_DAYS={days} keeps what is made of a session for longer than "
                f"VITRINE_RETENTION_SESSIONS_DAYS={own.sessions_days} keeps the session. Shorten the one or "
                "lengthen the other."
            )
    if state_ttl_ms:
        least_days = own.windows_days + LONGEST_MONTH_DAYS
        if own.windows_days == FOR_EVER or state_ttl_ms < least_days * DAY_MS:
            yield (
                f"VITRINE_FLINK_STATE_TTL_MS={state_ttl_ms} forgets the totals of a window that "
                f"VITRINE_RETENTION_WINDOWS_DAYS={own.windows_days} still keeps: a late session would start "
                "it at 0. Set it to 0, or to more than those days and a month."
            )


def _exceeds_ms(kept_ms: int | None, days: int) -> bool:
    """True if `kept_ms` (None: for ever) is longer than `days` (0: for ever)."""
    return days != FOR_EVER and (kept_ms is None or kept_ms > days * DAY_MS)
