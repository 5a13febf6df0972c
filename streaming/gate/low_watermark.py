"""The arrival time before which everything is decided. Pure."""

from collections.abc import Mapping


def low_watermark_ms(
    offsets: Mapping[int, int], arrived_ms: Mapping[int, int], ends: Mapping[int, int]
) -> int:
    """Returns a time before which no message arrived that is still to be committed. `offsets` and
    `arrived_ms` are what is committed by raw partition; `ends`, of all partitions, must have been read later.

    A partition with messages waiting is decided up to its own newest committed arrival. One without any may
    be idle for weeks; its next message arrives after everything that was committed when it was seen to be
    empty, so it does not hold the others back."""
    newest_ms = max(arrived_ms.values(), default=0)
    return min(
        (
            newest_ms if offsets.get(partition, 0) >= end else arrived_ms.get(partition, 0)
            for partition, end in ends.items()
        ),
        default=0,
    )
