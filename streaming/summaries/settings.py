"""Settings of the Flink job, read from the environment of the submitting process."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from streaming.settings import KafkaSettings, Settings


class JobSettings(Settings):
    """The Flink job that turns sessions into summaries, window aggregates and sentiment."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FLINK_", frozen=True)

    parallelism: int = Field(1, ge=1, description="Parallel instances of each operator of the job")
    checkpoint_dir: str = Field(
        "", description="URI of the folder of retained checkpoints; if empty, the cluster's default"
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
    state_backend: str = Field("hashmap", pattern="^(hashmap|rocksdb)$", description="hashmap or rocksdb")
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


def job_name(kafka: KafkaSettings) -> str:
    """Returns the name of the job on Flink's page, one for each topic prefix."""
    return kafka.topic_prefix + "session-summaries"
