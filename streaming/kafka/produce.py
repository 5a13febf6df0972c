"""Sends a record, and waits while the client's queue is full."""

from collections.abc import Callable

from confluent_kafka import KafkaError, Message, Producer

from streaming.contract.headers import Headers

_POLL_S = 0.1
_BY_KEY = -1


def produce(
    producer: Producer,
    topic: str,
    value: bytes | None,
    key: bytes | None = None,
    headers: Headers | None = None,
    partition: int = _BY_KEY,
    on_delivery: Callable[[KafkaError | None, Message], None] | None = None,
    timestamp_ms: int = 0,
) -> None:
    """Adds a record for `topic` (its full name) to the queue of `producer`. While the queue is full, because
    the broker is slow or unavailable, it waits. Raises KafkaException as `Producer.produce` does;
    `on_delivery` is called with the result. `timestamp_ms`: of the record; 0: now."""
    while True:
        try:
            return producer.produce(
                topic, value, key, partition, on_delivery, timestamp=timestamp_ms, headers=headers
            )
        except BufferError:
            producer.poll(_POLL_S)
