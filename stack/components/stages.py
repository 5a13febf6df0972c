"""Vitrine's stages that are Python processes: each is a module, run in the main environment."""

from stack.health import GroupHealth
from stack.principals import Principal
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.contract.topology import GATE, INDEX, PYTHON_STAGES, STORE, StageDeclaration
from streaming.gate.settings import GateSettings
from streaming.settings import (
    ElasticsearchSettings,
    KafkaSettings,
    MetricsSettings,
    MongoSettings,
    PseudonymSettings,
    RedisSettings,
    Settings,
)
from streaming.sinks.elasticsearch.settings import IndexSettings
from streaming.sinks.mongo.settings import StoreSettings

MODULES = {
    GATE.name: "streaming.gate",
    STORE.name: "streaming.sinks.mongo",
    INDEX.name: "streaming.sinks.elasticsearch",
}
"""The module that `python -m` runs, by stage."""

READS: dict[str, tuple[type[Settings], ...]] = {
    GATE.name: (KafkaSettings, PseudonymSettings, RedisSettings, GateSettings, MetricsSettings),
    STORE.name: (KafkaSettings, PseudonymSettings, MongoSettings, StoreSettings, MetricsSettings),
    INDEX.name: (KafkaSettings, ElasticsearchSettings, IndexSettings, MetricsSettings),
}


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns the Python stages, one process each."""
    return tuple(_service(place, stage) for stage in PYTHON_STAGES)


def metrics_url(place: StackContext, stage: str) -> str:
    """Returns the address of the metrics of `stage`; empty if they are turned off."""
    port = place.settings.port(f"{stage}_metrics")
    return f"http://127.0.0.1:{port}/metrics" if port else ""


def _service(place: StackContext, stage: StageDeclaration) -> Service:
    prefix = place.value(KafkaSettings, "topic_prefix")
    port = place.settings.port(f"{stage.name}_metrics")
    return Service(
        name=stage.name,
        command=(str(place.layout.python("main")), "-m", MODULES[stage.name]),
        needs=("kafka", stage.store) if stage.store else ("kafka",),
        # For this process only: another instance on this machine needs another port.
        environment=place.passed(Principal(stage.name), *READS[stage.name])
        | {"VITRINE_METRICS_PORT": str(port)},
        ports=(port,) if port else (),
        address=metrics_url(place, stage.name),
        # A stage leaves its consumer group when it is stopped; no work is lost either way.
        health=GroupHealth(
            place.environment[ADDRESS_VARIABLE["kafka"]],
            prefix + stage.group,
            place.environment.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}"),
            metrics_url(place, stage.name),
        ),
        memory_mib=120,
    )
