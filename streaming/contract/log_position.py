"""Where a record stands in a topic: partition and offset. Pure."""

from typing import NamedTuple

OFFSET_BITS = 48
"""An offset stays below 2**48: at a million records a second, for nine years."""


class LogPosition(NamedTuple):
    """Of a message in the raw topic, unless another topic is named."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


def parse_log_position(text: str) -> LogPosition:
    """Of `<partition>:<offset>`. Raises ValueError on any other text."""
    partition, colon, offset = text.partition(":")
    if not (colon and _is_number(partition) and _is_number(offset)):
        raise ValueError("not <partition>:<offset>")
    return LogPosition(int(partition), int(offset))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def packed(partition: int, offset: int) -> int:
    """Both as one number, which orders by partition, then by offset."""
    return partition << OFFSET_BITS | offset


def unpacked(number: int) -> LogPosition:
    """The position whose `packed` is `number`."""
    return LogPosition(number >> OFFSET_BITS, number & (1 << OFFSET_BITS) - 1)
