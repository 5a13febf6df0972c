"""Settings of the Flink job, read from the environment of the submitting process, and of window aggregates,
read also by what counts them again."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from streaming.settings import KafkaSettings, Settings
from streaming.summaries.key_limit import USUAL, KeyLimit


class JobSettings(Settings):
    """The Flink job that turns sessions into summaries, window aggregates and sentiment."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FLINK_", frozen=True)

    parallelism: int = Field(1, ge=1, description="Parallel instances of each operator of the job")
    checkpoint_dir: str = Field(
        "",
        description="URI of the folder of retained checkpoints, with a folder for each state backend; "
        "if empty, the cluster's default",
    )
    checkpoint_interval_ms: int = Field(
        1_000, ge=100, description="Time between checkpoints: results become visible with the next one"
    )
    checkpoint_timeout_ms: int = Field(
        120_000, ge=1_000, description="After this time a checkpoint is aborted"
    )
    transaction_timeout_ms: int = Field(
        840_000,
        ge=1_000,
        description="Longest outage an open Kafka transaction survives; "
        "at most the broker's transaction.max.timeout.ms (15 minutes unless changed)",
    )
    state_backend: str = Field(
        "rocksdb",
        pattern="^(rocksdb|hashmap)$",
        description="Where the running totals of windows are: rocksdb, on disk, or hashmap, in Flink's heap, "
        "which they fill. After a change the job reads its topic from the beginning",
    )
    state_ttl_ms: int = Field(
        0,
        ge=0,
        description="How long the state of a window is kept after its last session; 0: for ever. "
        "A later session of such a window would start its totals at 0, so keep it above the retention",
    )
    kafka_properties: SecretStr = Field(
        SecretStr("{}"), description="Further properties of the Java Kafka clients (SASL, TLS), a JSON object"
    )
    sentiment: bool = Field(True, description="Whether reviews are classified; off only to measure the cost")

    @property
    def checkpoints(self) -> str:
        """URI of the folder of this backend's checkpoints, empty for the cluster's default. No backend can
        read the checkpoints of another."""
        return self.checkpoint_dir and f"{self.checkpoint_dir.rstrip('/')}/{self.state_backend}"


_CHOOSE_FIRST = (
    "get window totals of their own; the rest is counted under `other`. Choose it before the first "
    "session: documents made with another value stay, and `reconcile` names them"
)


class WindowSettings(Settings):
    """What is counted in window aggregates. The Flink job, `reconcile` and `recompute` must have the same."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_WINDOW_", frozen=True)

    session_products: int = Field(
        USUAL.products, ge=1, description=f"How many distinct products of one session {_CHOOSE_FIRST}"
    )
    session_categories: int = Field(
        USUAL.categories, ge=1, description=f"How many distinct categories of one session {_CHOOSE_FIRST}"
    )

    @property
    def limit(self) -> KeyLimit:
        """These settings as the value that pure code takes."""
        return KeyLimit(products=self.session_products, categories=self.session_categories)


def job_name(kafka: KafkaSettings) -> str:
    """Returns the name of the job on Flink's page, one for each topic prefix."""
    return kafka.topic_prefix + "session-summaries"
