"""Settings of the Flink job, read from the environment of whoever submits it."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from streaming.settings import KafkaSettings, Settings


class JobSettings(Settings):
    """The Flink job that turns sessions into summaries, product figures and sentiment."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FLINK_", frozen=True)

    parallelism: int = Field(1, ge=1, description="Parallel instances of each operator of the job")
    checkpoint_dir: str = Field(
        "", description="Where retained checkpoints go, as a URI; the cluster's own choice if empty"
    )
    checkpoint_interval_ms: int = Field(
        1_000, ge=100, description="Time between checkpoints: results become visible with the next one"
    )
    checkpoint_timeout_ms: int = Field(120_000, ge=1_000, description="After this a checkpoint is given up")
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
        description="When a window that nobody touches is forgotten; 0 never. "
        "A later session of a forgotten window would start its totals afresh, so keep it above the retention",
    )
    kafka_properties: SecretStr = Field(
        SecretStr("{}"), description="Further properties of the Java Kafka clients (SASL, TLS), a JSON object"
    )
    sentiment: bool = Field(True, description="Whether reviews are classified; off only to measure its cost")


def job_name(kafka: KafkaSettings) -> str:
    """What the job is called on Flink's page: one a topic prefix."""
    return kafka.topic_prefix + "session-summaries"
