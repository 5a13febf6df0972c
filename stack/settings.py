"""Ports and sizes of the local stack, and the addresses derived from them. Nothing else defines them."""

from collections.abc import Mapping
from functools import partial

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from stack import credentials, logins, machine, passwords
from stack.layout import Layout
from stack.principals import Principal, Store
from streaming.settings import Settings, variable

# The variable by which the user gives the address of an external component.
ADDRESS_VARIABLE = {
    "kafka": "VITRINE_KAFKA_BOOTSTRAP_SERVERS",
    "redis": "VITRINE_REDIS_URL",
    "mongodb": "MONGO_URI",
    "elasticsearch": "VITRINE_ELASTICSEARCH_URL",
    "flink": "VITRINE_FLINK_URL",
    "airflow": "VITRINE_AIRFLOW_URL",
    "watch": "VITRINE_WATCH_URL",
}


class StackSettings(Settings):
    """The native local stack. Every port is on 127.0.0.1."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", frozen=True, extra="ignore")

    port_offset: int = Field(0, ge=0, description="Added to every port, to run a second checkout beside this")
    kafka_port: int = Field(19092, description="Kafka")
    kafka_controller_port: int = Field(19093, description="Kafka's controller")
    redis_port: int = Field(16379, description="Redis")
    mongo_port: int = Field(27117, description="MongoDB, or the embedded server")
    elasticsearch_port: int = Field(19200, description="Elasticsearch")
    elasticsearch_transport_port: int = Field(19300, description="Elasticsearch's transport")
    flink_port: int = Field(18081, description="Flink's web page and REST")
    flink_rpc_port: int = Field(18123, description="Flink's JobManager")
    flink_blob_port: int = Field(18124, description="Flink's blob server")
    flink_taskmanager_port: int = Field(18122, description="Flink's TaskManager")
    flink_data_port: int = Field(18121, description="Flink's data exchange")
    flink_beam_port: int = Field(
        17500,
        description="The first of 100 ports for Flink's Python processes and its own metrics. Where root "
        "starts the stack, no other user can connect to any of them, whatever listens there",
    )
    airflow_port: int = Field(18080, description="Airflow's web page and REST")
    airflow_users: str = Field(
        "admin:admin",
        description="Airflow's users as name:role,name:role; a role is viewer, analyst, op or admin. "
        "Each gets a generated password (./vitrine password NAME)",
    )
    airflow_worker_log_port: int = Field(18793, description="Airflow's log server of the scheduler's workers")
    airflow_trigger_log_port: int = Field(18794, description="Airflow's log server of the triggerer")
    watch_port: int = Field(
        19400, description="The monitor: metrics of all components, figures of the page Health"
    )
    gate_metrics_port: int = Field(19401, description="The gate's metrics; 0 turns them off")
    store_metrics_port: int = Field(19402, description="The store stage's metrics; 0 turns them off")
    index_metrics_port: int = Field(19403, description="The index stage's metrics; 0 turns them off")
    metrics_readers: str = Field(
        "",
        description="Further users of this machine, separated by commas, who may read the metrics "
        "(prometheus, say), where root starts the stack",
    )
    kafka_heap_mib: int = Field(512, description="Kafka's heap")
    redis_max_mib: int = Field(
        1024,
        ge=1,
        description="Redis' memory at most. A full Redis evicts nothing: the gate waits until there is more",
    )
    elasticsearch_heap_mib: int = Field(512, description="Elasticsearch's heap")
    flink_jobmanager_mib: int = Field(900, description="All memory of Flink's JobManager")
    flink_taskmanager_mib: int = Field(1400, description="All memory of Flink's TaskManager")
    flink_slots: int = Field(4, description="Task slots of the TaskManager")

    @field_validator("airflow_users")
    @classmethod
    def _users_and_roles(cls, given: str) -> str:
        return logins.written(logins.parse(given))

    @property
    def users(self) -> dict[str, str]:
        """The role of each of Airflow's users."""
        return logins.parse(self.airflow_users)

    @property
    def readers_of_metrics(self) -> tuple[str, ...]:
        """The users of `metrics_readers`."""
        return tuple(name for one in self.metrics_readers.split(",") if (name := one.strip()))

    def port(self, name: str) -> int:
        """Returns the port called `name`, with the offset added; 0 stays 0."""
        declared = int(getattr(self, f"{name}_port"))
        return declared and declared + self.port_offset

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "StackSettings":
        """Returns the settings of the variables `given`, ignoring those of this process."""
        fields = cls.model_fields.items()
        return cls(**{name: given.get(variable(cls, name), field.default) for name, field in fields})


PORTS = tuple(
    variable(StackSettings, name)
    for name in StackSettings.model_fields
    if name == "port_offset" or name.endswith("_port")
)
"""The variables that set the stack's ports."""


def own_addresses(settings: StackSettings) -> dict[str, str]:
    """Returns the address of each component as this stack starts it, by its variable."""
    return {
        "VITRINE_KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{settings.port('kafka')}",
        "VITRINE_REDIS_URL": f"redis://127.0.0.1:{settings.port('redis')}/0",
        "MONGO_URI": f"mongodb://127.0.0.1:{settings.port('mongo')}",
        "VITRINE_ELASTICSEARCH_URL": f"http://127.0.0.1:{settings.port('elasticsearch')}",
        "VITRINE_FLINK_URL": f"https://127.0.0.1:{settings.port('flink')}",
        "VITRINE_AIRFLOW_URL": f"http://127.0.0.1:{settings.port('airflow')}",
        "VITRINE_WATCH_URL": f"http://127.0.0.1:{settings.port('watch')}",
    }


def external(settings: StackSettings, given: Mapping[str, str]) -> frozenset[str]:
    """Returns the external components: those whose given address is not the one that this stack uses, with or
    without generated credentials."""
    own = own_addresses(settings)
    return frozenset(
        component
        for component, variable in ADDRESS_VARIABLE.items()
        if credentials.without_login(given.get(variable, own[variable])) != own[variable]
    )


def asking(external: frozenset[str]) -> frozenset[Store]:
    """Returns the components of this stack that ask for a generated password: all but the external ones and
    the embedded MongoDB, which cannot ask."""
    embedded = () if machine.mongod() else (Store.MONGODB,)
    return frozenset(store for store in Store if store not in external and store not in embedded)


def environment(
    settings: StackSettings,
    layout: Layout,
    given: Mapping[str, str],
    principal: Principal | None = Principal.ADMIN,
) -> dict[str, str]:
    """Returns the variables for every command and service: addresses, folders and the user's settings, with
    the credentials of `principal` for the stores that this stack runs. None: with those given."""
    users = {name: value for name, value in given.items() if name.startswith(("VITRINE_", "MONGO_"))}
    derived = own_addresses(settings) | {
        "VITRINE_DATA_DIR": str(layout.data),
        "VITRINE_MAIN_PYTHON": str(layout.python("main")),
    }
    elsewhere = external(settings, given)
    if "flink" not in elsewhere:
        derived |= {
            "VITRINE_FLINK_CA_FILE": str(layout.flink_rest.certificate),
            "VITRINE_FLINK_CERTIFICATE_FILE": str(layout.flink_rest.certificate),
            "VITRINE_FLINK_KEY_FILE": str(layout.flink_rest.key),
        }
    found = derived | users
    if principal is None:
        return found
    own = asking(elsewhere)
    try:
        return found | credentials.variables(
            principal,
            partial(passwords.of, layout),
            own,
            found,
            partial(passwords.generated, layout),
        )
    except OSError:
        # In a container with a read-only file system, or as a user who must not read them.
        return found
