"""The consumer of a gate."""

from confluent_kafka import Consumer

from streaming.contract.topology import GATE
from streaming.gate.settings import GateSettings
from streaming.kafka import clients
from streaming.settings import KafkaSettings

_MAX_POLL_INTERVAL_MS = 1_800_000  # a rebuild from a long log may keep the loop from polling


def consumer(kafka_settings: KafkaSettings, settings: GateSettings) -> Consumer:
    """Returns a member of the gates' group, not yet subscribed."""
    return clients.consumer(
        kafka_settings,
        GATE.group,
        **{
            # A static member: restarted in time it gets its partitions back without a rebalance. Every
            # assignment must therefore be whole: a cooperative one takes two steps, and after a member died
            # between them, a partition stayed without a reader.
            "group.instance.id": clients.name(kafka_settings, f"{GATE.group}-{settings.instance}"),
            "partition.assignment.strategy": "range",
            "session.timeout.ms": settings.session_timeout_ms,
            "max.poll.interval.ms": _MAX_POLL_INTERVAL_MS,
            "queued.max.messages.kbytes": 65_536,
        },
    )
