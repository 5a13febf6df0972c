"""The monitor (service `watch`). It needs none of the components that it probes."""

import json
from typing import Any

from stack.components import airflow, stages
from stack.health import HttpHealth
from stack.principals import Principal
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
    # It reports how full the gate's filters are, and needs to know their capacity.
    *variables(
        GateSettings,
        "horizon_ms",
        "horizon_segments",
        "session_capacity",
        "session_error_rate",
        "user_capacity",
        "user_error_rate",
    ),
    # It probes every service at its address, and must distinguish own services from external ones.
    *ADDRESS_VARIABLE.values(),
    *PORTS,
)


def looks(recent: dict[str, Any]) -> str | None:
    """Returns None if the monitor has probed anything, otherwise what is wrong."""
    return None if recent["probes"] else "it has not probed anything yet"


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns the monitor."""
    url, port = place.environment[ADDRESS_VARIABLE["watch"]], place.settings.port("watch")
    shown = {stage: stages.metrics_url(place, stage) for stage in stages.MODULES}
    urls = {stage: metrics for stage, metrics in shown.items() if metrics}
    return (
        Service(
            name="watch",
            command=(str(place.layout.python("main")), "-m", "stack.monitor"),
            environment=place.passed(Principal.WATCH, *READS)
            | {"VITRINE_METRICS_PORT": str(port), "VITRINE_WATCH_STAGES": json.dumps(urls)},
            health=HttpHealth(f"{url}/recent", looks),
            ports=(port,),
            address=f"{url}/metrics",
            memory_mib=180,
            external="watch" in place.external,
            writes=(place.layout.data, *airflow.secrets_of(place)),
            reads=(place.layout.flink_rest.folder,),
        ),
    )
