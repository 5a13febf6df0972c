"""The watch, which needs nothing of what it looks at."""

import json
from typing import Any

from stack.components import stages
from stack.health import HttpHealth
from stack.service import Service, StackContext
from stack.settings import ADDRESS_VARIABLE, PORTS
from streaming.gate.settings import GateSettings
from streaming.settings import (
    DataSettings,
    ElasticsearchSettings,
    FlinkRestSettings,
    KafkaSettings,
    MetricsSettings,
    MongoSettings,
    RedisSettings,
    Settings,
    WatchSettings,
    variables,
)

READS: tuple[type[Settings] | str, ...] = (
    KafkaSettings,
    RedisSettings,
    MongoSettings,
    ElasticsearchSettings,
    FlinkRestSettings,
    DataSettings,
    WatchSettings,
    MetricsSettings,
    # Of the gate it asks how full the filters are, and needs to know what they were reserved for.
    *variables(
        GateSettings,
        "horizon_ms",
        "horizon_segments",
        "session_capacity",
        "session_error_rate",
        "user_capacity",
        "user_error_rate",
    ),
    # It looks at every service where that listens, and has to tell our own from the user's.
    *ADDRESS_VARIABLE.values(),
    *PORTS,
)


def looks(recent: dict[str, Any]) -> str | None:
    return None if recent["probes"] else "it has not looked at anything yet"


def services(place: StackContext) -> tuple[Service, ...]:
    url, port = place.environment[ADDRESS_VARIABLE["watch"]], place.settings.port("watch")
    shown = {stage: stages.metrics_url(place, stage) for stage in stages.MODULES}
    urls = {stage: metrics for stage, metrics in shown.items() if metrics}
    return (
        Service(
            name="watch",
            command=(str(place.layout.python("main")), "-m", "stack.monitor"),
            environment=place.passed(*READS)
            | {"VITRINE_METRICS_PORT": str(port), "VITRINE_WATCH_STAGES": json.dumps(urls)},
            health=HttpHealth(f"{url}/recent", looks),
            ports=(port,),
            address=f"{url}/metrics",
            memory_mib=180,
            external="watch" in place.external,
        ),
    )
