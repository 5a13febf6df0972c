"""The time before which everything is decided, by the log's own clock. Pure."""

from collections.abc import Mapping


def low_watermark_ms(
    offsets: Mapping[int, int], arrived_ms: Mapping[int, int], ends: Mapping[int, int]
) -> int:
    """No message that is still to be committed arrived before this. `offsets` and `arrived_ms` are what is
    committed by raw partition; `ends`, of all of them, must have been read later.

    A partition with messages waiting is settled up to the newest committed arrival of its own. One without
    any may be idle for weeks: what it gets next arrives after everything that was committed when it was seen
    to be empty, so that it holds nothing up.
    """
    newest_ms = max(arrived_ms.values(), default=0)
    return min(
        (
            newest_ms if offsets.get(partition, 0) >= end else arrived_ms.get(partition, 0)
            for partition, end in ends.items()
        ),
        default=0,
    )
