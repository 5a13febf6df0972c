"""The position of a record in a topic: partition and offset. Pure."""

from typing import NamedTuple

OFFSET_BITS = 48
"""Offsets stay below 2**48 for nine years at a million records per second."""


class LogPosition(NamedTuple):
    """The position of a message in the raw topic, unless another topic is named."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


def parse_log_position(text: str) -> LogPosition:
    """Returns the position in `<partition>:<offset>`. Raises ValueError on any other text."""
    partition, colon, offset = text.partition(":")
    if not (colon and _is_number(partition) and _is_number(offset)):
        raise ValueError("not <partition>:<offset>")
    return LogPosition(int(partition), int(offset))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def packed(partition: int, offset: int) -> int:
    """Returns both as one number, which sorts by partition, then by offset."""
    return partition << OFFSET_BITS | offset


def unpacked(number: int) -> LogPosition:
    """Returns the position that `packed` has turned into `number`."""
    return LogPosition(number >> OFFSET_BITS, number & (1 << OFFSET_BITS) - 1)
