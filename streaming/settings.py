"""Settings of the shared components: declared once, read at the entry point, printed without secrets.

Settings of a single stage are declared in its package in the same way.
"""

import os
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from streaming.contract.consent import Purpose, Sources
from streaming.contract.feeds import ImportKeys
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Consent, Word
from streaming.contract.time_units import DAY_MS
from streaming.data_folder.layout import DataLayout
from streaming.process.exit_code import InvalidRequest

SECRETS_FOLDER = "VITRINE_SECRETS_DIR"
"""The variable that names a folder of files with settings. Unlike variables, files are not seen by child
processes and `docker inspect`."""


class Settings(BaseSettings):
    """Base class of all settings: immutable, and read from environment variables that begin with its prefix.
    A file in the folder that VITRINE_SECRETS_DIR names, called as the variable in lower or upper case, comes
    before the variable."""

    # Validation errors are logged, and the invalid value may be a password.
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Called by pydantic: returns where values come from, the first first."""
        folder = os.environ.get(SECRETS_FOLDER)
        files = (SecretsSettingsSource(settings_cls, folder),) if folder else ()
        return (init_settings, *files, env_settings)


def variable(settings: type[Settings], field: str) -> str:
    """Returns the environment variable from which the field called `field` is read."""
    prefix = settings.model_config.get("env_prefix", "")
    return settings.model_fields[field].alias or f"{prefix}{field}".upper()


def variables(settings: type[Settings], *fields: str) -> tuple[str, ...]:
    """Returns the environment variables of the fields called `fields`; without any, those of all fields."""
    return tuple(variable(settings, field) for field in fields or settings.model_fields)


class ImportSettings(Settings):
    """By what the gate, `reconcile` and `./vitrine ingest` know the feeds of imports. The local stack makes a
    key of its own; several machines that share a log need the same."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    import_keys: SecretStr = Field(
        SecretStr(""),
        alias="VITRINE_IMPORT_KEYS",
        description="Secrets, separated by commas, that mark the feeds of imports: the first makes names, "
        "all are accepted. Keep an old one after the new, as long as the topics have its sessions",
    )

    @property
    def imports(self) -> ImportKeys:
        """The secrets as the value that pure code takes."""
        keys = self.import_keys.get_secret_value().split(",")
        return ImportKeys(tuple(key.strip() for key in keys if key.strip()))


class ConsentSettings(Settings):
    """What users have agreed to whose session does not say. The gate applies it to analytics as messages
    come; Airflow and `./vitrine score` apply it to personalisation and training each time they read, so that
    a change holds for all that is stored."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    consent_by_feed: dict[Word, dict[Purpose, bool]] = Field(
        {},
        alias="VITRINE_CONSENT_BY_FEED",
        description="What users have agreed to whose session does not say: a JSON object, by feed (live, the "
        "name of an import, import for all others, or one of VITRINE_GATE_FEEDS) an object with analytics, "
        'personalisation and training, such as {"live": {"training": false}}. What it does not name is true. '
        "Where analytics is false, the gate drops the content",
    )

    @property
    def sources(self) -> Sources:
        """The setting as the value that pure code takes."""
        return Sources({feed: Consent(**said) for feed, said in self.consent_by_feed.items()})


class PseudonymSettings(Settings):
    """By what users and sessions get their pseudonyms. The local stack makes a key of its own; all that read
    or write one log need the same."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    pseudonym_key: SecretStr = Field(
        SecretStr(""),
        alias="VITRINE_PSEUDONYM_KEY",
        description="Secret from which the pseudonyms of users and sessions follow, at least 20 random "
        "characters. With another one everybody would become a new user: gate, store and `migrate` "
        "then refuse to go on with the data that are there",
    )

    @property
    def pseudonym_key_id(self) -> str:
        """The id of the key; empty without one, as for who only looks at the stores."""
        return self.pseudonyms.key_id if self.pseudonym_key.get_secret_value() else ""

    @property
    def pseudonyms(self) -> Pseudonyms:
        """What makes them. Raises InvalidRequest without a key, or with one that is too short."""
        try:
            return Pseudonyms(self.pseudonym_key.get_secret_value().strip())
        except ValueError as error:
            raise InvalidRequest(f"VITRINE_PSEUDONYM_KEY is not set as it should be: {error}") from None


class KafkaSettings(Settings):
    """The Kafka cluster. Further client properties (SASL, TLS) are given as JSON and stay secret."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_KAFKA_", frozen=True)

    bootstrap_servers: str = Field("127.0.0.1:19092", description="Comma-separated broker addresses")
    client_properties: SecretStr = Field(
        SecretStr("{}"), description="Further librdkafka properties for every client, as a JSON object"
    )
    topic_prefix: str = Field("", description="Put before every topic and consumer group name")
    partitions: int = Field(2, ge=1, description="Partitions of each topic that Vitrine creates")
    replication_factor: int = Field(1, ge=1, description="Replicas of each topic that Vitrine creates")
    retention_ms: int = Field(
        30 * DAY_MS, description="How long each topic that Vitrine creates keeps its records"
    )


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
    api_key: SecretStr | None = Field(None, description="API key, if security is on")
    username: str = Field("", description="User, if security is on and there is no API key")
    password: SecretStr = Field(SecretStr(""), description="The user's password")
    ca_file: Path | None = Field(
        None,
        description="PEM file of the certificates that an https address is verified with; "
        "without it, the machine's authorities",
    )
    index_prefix: str = Field("", description="Put before every index name")
    replicas: int = Field(0, ge=0, description="Replicas of each index that Vitrine creates")


class FlinkRestSettings(Settings):
    """Flink's REST interface. Its clients can run code as Flink's user: so the local stack's Flink demands a
    client certificate, and the stack sets the files below."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_FLINK_", frozen=True)

    url: str = Field("https://127.0.0.1:18081", description="Address")
    ca_file: Path | None = Field(
        None,
        description="PEM file of the certificates that an https address is verified with; "
        "without it, the machine's authorities",
    )
    certificate_file: Path | None = Field(
        None, description="PEM file of the client certificate, if Flink demands one"
    )
    key_file: Path | None = Field(None, description="PEM file of that certificate's key")
    key_password: SecretStr = Field(SecretStr(""), description="Password of that key, if it has one")


class MetricsSettings(Settings):
    """Where a process serves its metrics (docs/metrics.md). Each process needs its own port."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_METRICS_", frozen=True)

    port: int = Field(0, ge=0, le=65_535, description="Port of /metrics; 0: no metrics are served")
    host: str = Field(
        "127.0.0.1", description="Address to listen on; other than loopback only within a container's network"
    )
    hosts: str = Field(
        "",
        description="Further host names, separated by commas, by which the metrics may be asked for; "
        "loopback names and the address that is listened on always are",
    )


class WatchSettings(Settings):
    """The monitor, which probes every component, and what it needs besides their addresses."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_WATCH_", frozen=True)

    url: str = Field("http://127.0.0.1:19400", description="Address of the monitor, for the page Health")
    stages: dict[str, str] = Field(
        {}, description="URL of each stage's metrics, a JSON object by name of the stage"
    )
    supervised: bool = Field(True, description="Whether this checkout's supervisor runs the services")
    keep_s: int = Field(1_800, ge=60, description="How far back the plots of the page Health go, in seconds")


class DataSettings(Settings):
    """Where batch jobs keep their files."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", frozen=True)

    data_dir: Path = Field(Path(".vitrine/data"), description="Folder of extracts, models and reports")

    @property
    def layout(self) -> DataLayout:
        """The paths in the folder."""
        return DataLayout(self.data_dir)


def printable(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain JSON values, with masked secrets."""
    return settings.model_dump(mode="json")
