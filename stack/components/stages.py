"""Vitrine's own long-running stages: each a Python module that is run in its environment."""

from stack.health import GroupHealth
from stack.service import Place, Service
from stack.settings import ADDRESS_VARIABLE

NEEDS = {
    "gate": ("kafka", "redis"),
    "store": ("kafka", "mongodb"),
    "index": ("kafka", "elasticsearch"),
}


def services(place: Place) -> tuple[Service, ...]:
    prefix = place.environment.get("VITRINE_KAFKA_TOPIC_PREFIX", "")
    return tuple(
        Service(
            name=stage,
            command=(str(place.layout.python("main")), "-m", f"streaming.{stage}"),
            needs=needs,
            # A stage leaves its consumer group when it is told to stop; its work is safe either way.
            health=GroupHealth(
                place.environment[ADDRESS_VARIABLE["kafka"]],
                prefix + stage,
                place.environment.get("VITRINE_KAFKA_CLIENT_PROPERTIES", "{}"),
            ),
            memory_mib=120,
        )
        for stage, needs in NEEDS.items()
    )
