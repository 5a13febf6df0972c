"""Vitrine's own long-running stages: each a Python module that is run in its environment."""

from stack.health import GroupHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE
from streaming.gate.settings import GateSettings
from streaming.settings import (
    ElasticsearchSettings,
    KafkaSettings,
    MetricsSettings,
    MongoSettings,
    RedisSettings,
    Settings,
)
from streaming.sinks.elasticsearch.settings import IndexSettings
from streaming.sinks.mongo.settings import StoreSettings

NEEDS = {
    "gate": ("kafka", "redis"),
    "store": ("kafka", "mongodb"),
    "index": ("kafka", "elasticsearch"),
}

READS: dict[str, tuple[type[Settings], ...]] = {
    "gate": (KafkaSettings, RedisSettings, GateSettings, MetricsSettings),
    "store": (KafkaSettings, MongoSettings, StoreSettings, MetricsSettings),
    "index": (KafkaSettings, ElasticsearchSettings, IndexSettings, MetricsSettings),
}


def services(place: StackContext) -> tuple[Service, ...]:
    """The stages of ours, each a process."""
    return tuple(_stage(place, stage, needs) for stage, needs in NEEDS.items())


def metrics_url(place: StackContext, stage: str) -> str:
    """Where `stage` shows its metrics; empty where it shows none."""
    port = place.settings.port(f"{stage}_metrics")
    return f"http://127.0.0.1:{port}/metrics" if port else ""


def _stage(place: StackContext, stage: str, needs: tuple[str, ...]) -> Service:
    prefix = place.environment.get("VITRINE_KAFKA_TOPIC_PREFIX", "")
    port = place.settings.port(f"{stage}_metrics")
    return Service(
        name=stage,
        command=(str(place.layout.python("main")), "-m", f"streaming.{stage}"),
        needs=needs,
        # This process alone: another instance on the machine wants a port of its own.
        environment=place.passed(*READS[stage]) | {"VITRINE_METRICS_PORT": str(port)},
        ports=(port,) if port else (),
        address=metrics_url(place, stage),
        # A stage leaves its consumer group when it is told to stop; its work is safe either way.
        health=GroupHealth(
            place.environment[ADDRESS_VARIABLE["kafka"]],
            prefix + stage,
            place.environment.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}"),
            metrics_url(place, stage),
        ),
        memory_mib=120,
    )
