"""Where the shared components are: declared once, read at the entry point, printed without secrets.

Settings of a single stage stand beside that stage and follow the same pattern.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from streaming.contract.time_units import DAY_MS
from streaming.data_folder.layout import DataLayout


class Settings(BaseSettings):
    """Base of every settings object: frozen, and read from variables that begin with its own prefix."""

    # What is wrong goes into logs, and the value may be a password.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def variable(settings: type[Settings], field: str) -> str:
    """The environment variable that the field called `field` is read from."""
    prefix = settings.model_config.get("env_prefix", "")
    return settings.model_fields[field].alias or f"{prefix}{field}".upper()


def variables(settings: type[Settings], *fields: str) -> tuple[str, ...]:
    """The environment variables of the fields called `fields`; of all, if none is."""
    return tuple(variable(settings, field) for field in fields or settings.model_fields)


class KafkaSettings(Settings):
    """The Kafka cluster. Extra client properties (SASL, TLS) go in as JSON and stay secret."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_KAFKA_", frozen=True)

    bootstrap_servers: str = Field("127.0.0.1:19092", description="Comma-separated broker addresses")
    client_properties: SecretStr = Field(
        SecretStr("{}"), description="Further librdkafka properties for every client, as a JSON object"
    )
    topic_prefix: str = Field("", description="Put before every topic and consumer group name")
    partitions: int = Field(2, ge=1, description="Partitions of each topic when Vitrine makes it")
    replication_factor: int = Field(1, ge=1, description="Replicas of each topic when Vitrine makes it")
    retention_ms: int = Field(30 * DAY_MS, description="How long the topics keep their records")


class RedisSettings(Settings):
    """Redis with the RedisBloom module."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_REDIS_", frozen=True)

    url: SecretStr = Field(
        SecretStr("redis://127.0.0.1:16379/0"), description="Address, with password if any"
    )
    key_prefix: str = Field("vitrine:", description="Put before every key")


class MongoSettings(Settings):
    """MongoDB, or the embedded wire-compatible server."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    uri: SecretStr = Field(
        SecretStr("mongodb://127.0.0.1:27117"),
        alias="MONGO_URI",
        description="Address, with credentials if any",
    )
    database: str = Field(
        "vitrine", alias="VITRINE_MONGO_DATABASE", description="Database of all collections"
    )


class ElasticsearchSettings(Settings):
    """Elasticsearch 8."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_ELASTICSEARCH_", frozen=True)

    url: str = Field("http://127.0.0.1:19200", description="Address")
    api_key: SecretStr | None = Field(None, description="API key, where security is on")
    username: str = Field("", description="User, where security is on and there is no API key")
    password: SecretStr = Field(SecretStr(""), description="The user's password")
    index_prefix: str = Field("", description="Put before every index name")
    replicas: int = Field(0, ge=0, description="Replicas of each index when Vitrine makes it")


class FlinkRestSettings(Settings):
    """Flink's REST. Who may use it runs code as Flink's user: our own asks for a certificate, and is given
    the files below by the stack that starts it."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FLINK_", frozen=True)

    url: str = Field("https://127.0.0.1:18081", description="Address")
    ca_file: Path | None = Field(
        None,
        description="PEM file of the certificates that an https address is recognised by; "
        "without it, the machine's authorities",
    )
    certificate_file: Path | None = Field(
        None, description="PEM file of the certificate to show, where Flink asks for one"
    )
    key_file: Path | None = Field(None, description="PEM file of that certificate's key")
    key_password: SecretStr = Field(SecretStr(""), description="Password of that key, if it has one")


class MetricsSettings(Settings):
    """Where a process shows its metrics (docs/metrics.md). Each process wants a port of its own."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_METRICS_", frozen=True)

    port: int = Field(0, ge=0, le=65_535, description="Port of /metrics; 0: the process shows none")
    host: str = Field(
        "127.0.0.1", description="Address to listen on: beyond loopback only inside a container's own network"
    )


class WatchSettings(Settings):
    """The watch, which looks at every component, and what it looks at beside their addresses."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_WATCH_", frozen=True)

    url: str = Field("http://127.0.0.1:19400", description="Where the watch answers, for the page Health")
    stages: dict[str, str] = Field(
        {}, description="Where each stage shows its metrics, a JSON object of stage and URL"
    )
    supervised: bool = Field(True, description="Whether this checkout's supervisor runs the services")
    keep_s: int = Field(1_800, ge=60, description="How far back the page Health can look")


class DataSettings(Settings):
    """Where the batch side keeps its files."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", frozen=True)

    data_dir: Path = Field(Path(".vitrine/data"), description="Extracts, models and reports")

    @property
    def layout(self) -> DataLayout:
        """What lies where in it."""
        return DataLayout(self.data_dir)


def printable(settings: Settings) -> dict[str, Any]:
    """The settings as plain JSON values, secrets masked."""
    return settings.model_dump(mode="json")
