"""What tests read of Kafka records."""

from collections.abc import Iterable, Mapping

from confluent_kafka import Message

Value = str | bytes | None


def text_headers(headers: Mapping[str, Value] | Iterable[tuple[str, Value]] | None) -> dict[str, str]:
    """Name → text; the last of each name, empty for one without a value."""
    return {
        name: value if isinstance(value, str) else (value or b"").decode()
        for name, value in dict(headers or ()).items()
    }


def position(message: Message) -> tuple[int, int]:
    """Partition and offset of a message that was read."""
    partition, offset = message.partition(), message.offset()
    assert partition is not None
    assert offset is not None
    return partition, offset
