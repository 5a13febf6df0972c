"""Airflow's four processes on SQLite with the local executor."""

import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ml.budget.settings import BudgetSettings
from stack import accounts, airflow_passwords, logins, secret_file, unprivileged
from stack.health import HttpHealth
from stack.principals import Principal
from stack.service import SYSTEM_PATH, Service, StackContext, StackError
from stack.settings import ADDRESS_VARIABLE
from streaming.access_record.settings import AccessRecordSettings
from streaming.contract.topology import EXTRACTION_GROUP
from streaming.doors.settings import DoorSettings
from streaming.gate.settings import GateSettings
from streaming.person.settings import PersonSettings
from streaming.retention.settings import RetentionSettings
from streaming.settings import (
    ConsentSettings,
    DataSettings,
    ElasticsearchSettings,
    FlinkRestSettings,
    KafkaSettings,
    MongoSettings,
    PseudonymSettings,
    RedisSettings,
    Settings,
    WatchSettings,
    variable,
)
from streaming.summaries.settings import JobSettings, WindowSettings
from streaming.words.settings import WordSettings

DATABASE = "airflow.db"
MIGRATED_TO = "airflow-migrated-to"
"""The file in the folder `run` that says for which version of Airflow the database was migrated."""
HEALTH_PATH = "/api/v2/monitor/health"
# The settings that DAGs and pages read. All four processes get the same ones, because each loads both.
READS: tuple[type[Settings] | str, ...] = (
    KafkaSettings,
    PseudonymSettings,
    RedisSettings,
    MongoSettings,
    ElasticsearchSettings,
    DataSettings,
    WatchSettings,
    BudgetSettings,
    AccessRecordSettings,
    DoorSettings,
    WindowSettings,
    WordSettings,
    ConsentSettings,
    RetentionSettings,
    PersonSettings,
    # By which the settings of retention are checked.
    variable(JobSettings, "state_ttl_ms"),
    # Settings of the gate that `reconcile_stores` needs to check its outcomes.
    *(
        variable(GateSettings, name)
        for name in ("allowed_lateness_ms", "horizon_ms", "horizon_segments", "import_keys")
    ),
    "VITRINE_MAIN_PYTHON",
)


def _secret(place: StackContext, name: str, fresh: str) -> str:
    return secret_file.read(place.layout.run / name, fresh)


def _token_secret(place: StackContext) -> str:
    """What Airflow signs logins with. It follows from the users too: a login holds its role for a day, and
    whoever lost it, or is no user any more, must not go on with it."""
    generated = _secret(place, "airflow-jwt", secrets.token_urlsafe(64))
    users = logins.written(place.settings.users)
    return hmac.new(generated.encode(), users.encode(), "sha512").hexdigest()


def mongo_connection(uri: str) -> dict[str, object]:
    """Returns a MongoDB URI as an Airflow connection. Several hosts stay one text, which the hook passes
    on."""
    parts = urlsplit(uri)
    credentials, _, hosts = parts.netloc.rpartition("@")
    login, _, secret = credentials.partition(":")
    options: dict[str, object] = dict(parse_qsl(parts.query))
    if parts.scheme == "mongodb+srv":
        options["srv"] = True
    connection: dict[str, object] = {"conn_type": "mongo", "host": hosts, "extra": options}
    if login:
        connection |= {"login": unquote(login), "password": unquote(secret)}
    if database := parts.path.lstrip("/"):
        connection["schema"] = database
    return connection


def connections(place: StackContext) -> dict[str, str]:
    """Returns Airflow's connections to the stores, as the environment variables that it reads."""
    kafka: dict[str, object] = {
        "bootstrap.servers": place.environment[ADDRESS_VARIABLE["kafka"]],
        "group.id": place.value(KafkaSettings, "topic_prefix") + EXTRACTION_GROUP,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
    shown = place.passed(Principal.AIRFLOW, KafkaSettings, MongoSettings)
    kafka |= json.loads(shown.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}"))
    return {
        "AIRFLOW_CONN_KAFKA_DEFAULT": json.dumps({"conn_type": "kafka", "extra": kafka}),
        "AIRFLOW_CONN_MONGO_DEFAULT": json.dumps(mongo_connection(shown[ADDRESS_VARIABLE["mongodb"]])),
    }


def variables(place: StackContext) -> dict[str, str]:
    """Returns Airflow's settings as environment variables, to be added to the shared ones."""
    home, port = place.layout.airflow, place.settings.port("airflow")
    url = f"http://127.0.0.1:{port}"
    options = {
        ("core", "dags_folder"): str(place.layout.root / "dags"),
        ("core", "plugins_folder"): str(place.layout.root / "plugins"),
        ("core", "load_examples"): "False",
        ("core", "executor"): "LocalExecutor",
        ("core", "parallelism"): "2",
        ("core", "fernet_key"): _secret(
            place, "airflow-fernet", urlsafe_b64encode(secrets.token_bytes(32)).decode()
        ),
        ("core", "auth_manager"): "vitrine_roles.VitrineAuthManager",
        ("core", "simple_auth_manager_users"): logins.for_airflow(place.settings.users),
        ("core", "simple_auth_manager_passwords_file"): str(airflow_passwords.file(place.layout)),
        ("core", "execution_api_server_url"): f"{url}/execution/",
        ("database", "sql_alchemy_conn"): f"sqlite:///{home / DATABASE}",
        ("api", "base_url"): url,
        ("api", "host"): "127.0.0.1",
        ("api", "port"): str(port),
        ("api", "workers"): "1",
        ("api", "secret_key"): _secret(place, "airflow-api", secrets.token_urlsafe(32)),
        ("api", "expose_config"): "False",
        # The rest of such pages has no setting: plugins/vitrine_doors.py.
        ("api", "enable_swagger_ui"): "False",
        ("api_auth", "jwt_secret"): _token_secret(place),
        ("dag_processor", "parsing_processes"): "1",
        ("dag_processor", "refresh_interval"): "30",
        ("dag_processor", "min_file_process_interval"): "60",
        ("scheduler", "enable_health_check"): "False",
        ("usage_data_collection", "enabled"): "False",
        ("logging", "base_log_folder"): str(place.layout.logs / "airflow"),
        # Airflow sets the modes of task logs itself, whatever the umask.
        ("logging", "file_task_handler_new_folder_permissions"): "0o700",
        ("logging", "file_task_handler_new_file_permissions"): "0o600",
        ("logging", "dag_processor_child_process_log_directory"): str(
            place.layout.logs / "airflow" / "dag_processor"
        ),
    }
    named = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value for (section, name), value in options.items()
    }
    path = f"{place.layout.environment('airflow') / 'bin'}:{SYSTEM_PATH}"
    return (
        named
        | connections(place)
        | {
            "AIRFLOW_HOME": str(home),
            "PATH": path,
            variable(RetentionSettings, "task_logs"): str(place.layout.logs / "airflow"),
        }
    )


def _environment(place: StackContext, *more: type[Settings]) -> dict[str, str]:
    return place.passed(Principal.AIRFLOW, *READS, *more) | variables(place)


def _written(place: StackContext) -> tuple[Path, ...]:
    """What all four processes write, and the secrets that they are told."""
    layout = place.layout
    return (layout.airflow, layout.logs / "airflow", layout.data, *secrets_of(place))


def secrets_of(place: StackContext) -> tuple[Path, ...]:
    """Returns the files of Airflow's secrets. The monitor, of the same account, reads them too: it
    declares all services to probe them."""
    names = ("airflow-fernet", "airflow-api", "airflow-jwt")
    return (*(place.layout.run / name for name in names), airflow_passwords.file(place.layout))


def _prepare(place: StackContext) -> None:
    """Creates the logins and, once per Airflow version, migrates the database."""
    for folder in (place.layout.airflow, place.layout.logs / "airflow"):
        folder.mkdir(parents=True, exist_ok=True)
    unprivileged.take(place, accounts.VITRINE, *_written(place))
    airflow_passwords.ensure(place.layout, place.settings.users)
    # Not in Airflow's folder, where root would write through a link that the account has made.
    marker = place.layout.run / MIGRATED_TO
    version = _version(place)
    if (place.layout.airflow / DATABASE).exists() and marker.exists() and marker.read_text() == version:
        return
    airflow = str(place.layout.environment("airflow") / "bin" / "airflow")
    migrated = unprivileged.run(place, accounts.VITRINE, (airflow, "db", "migrate"), _environment(place))
    if migrated.returncode:
        raise StackError(
            f"Airflow's database could not be made:\n{(migrated.stdout + migrated.stderr)[-2000:]}"
        )
    marker.write_text(version)


def _version(place: StackContext) -> str:
    packages = place.layout.environment("airflow") / "lib" / "python3.11" / "site-packages"
    return ",".join(sorted(path.name for path in packages.glob("apache_airflow_core-*.dist-info")))


def _ready(component: str) -> Any:
    def reason(health: dict[str, dict[str, Any]]) -> str | None:
        status = health.get(component, {}).get("status")
        return None if status == "healthy" else f"Airflow's {component} is {status or 'not there yet'}"

    return reason


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns Airflow's services: API server, scheduler, DAG processor and triggerer."""
    url = place.environment[ADDRESS_VARIABLE["airflow"]]
    airflow = str(place.layout.environment("airflow") / "bin" / "airflow")

    def process(
        name: str, component: str, *arguments: str, settings: tuple[type[Settings], ...] = (), **more: Any
    ) -> Service:
        return Service(
            name=f"airflow-{name}",
            command=(airflow, name, *arguments),
            environment=_environment(place, *settings),
            health=HttpHealth(url + HEALTH_PATH, _ready(component)),
            external="airflow" in place.external,
            **more,
        )

    # --skip-serve-logs: the log servers of scheduler and triggerer listen on every interface, and no setting
    # changes that. All four processes share one log folder here, so nothing needs them.
    return (
        process(
            "api-server",
            "metadatabase",
            ports=(place.settings.port("airflow"),),
            address=url,
            memory_mib=350,
            prepare=lambda: _prepare(place),
            writes=_written(place),
            # It alone shows Flink's page. The account reads these files anyway: the monitor runs as it, too.
            settings=(FlinkRestSettings,),
            reads=(place.layout.flink_rest.folder,),
        ),
        process("scheduler", "scheduler", "--skip-serve-logs", needs=("airflow-api-server",), memory_mib=350),
        process("dag-processor", "dag_processor", needs=("airflow-api-server",), memory_mib=250),
        process(
            "triggerer",
            "triggerer",
            "--skip-serve-logs",
            needs=("airflow-api-server", "kafka"),
            memory_mib=250,
        ),
    )
