"""From which raw offset on a topic contains every outcome, after retention has deleted its oldest. Pure.

A gate writes the outcomes of a raw partition in the order of its offsets. So if retention has deleted records
of a partition of an outcome topic, and its first outcome of a raw partition is that of offset n, it contains
all its outcomes of that raw partition from n on.
"""

from collections.abc import Collection

from streaming.contract.log_position import LogPosition


class TopicHead:
    """The oldest records of one topic of outcomes. Add all records of the topic, each partition in order.
    `cut`: the partitions in which something was deleted."""

    def __init__(self, cut: Collection[int]) -> None:
        self._cut = cut
        self._first: dict[tuple[int, int], int] = {}
        self._elsewhere: set[int] = set()

    def add(self, partition: int, of: LogPosition) -> None:
        if partition in self._cut:
            self._first.setdefault((partition, of.partition), of.offset)
        elif self._cut:
            self._elsewhere.add(of.partition)

    def complete_from(self, raw_partition: int, end: int) -> int:
        """Returns the first offset of `raw_partition` from which on this topic certainly contains every
        outcome that was written to it; `end` if that is unknown. A cut partition without any outcome of
        `raw_partition` is assumed never to have had one if other partitions have some, because all have the
        same keys. Those without consent have their raw partition's: they count where they are."""
        if not self._cut:
            return 0
        firsts = [first for (_, of), first in self._first.items() if of == raw_partition]
        if firsts:
            return min(max(firsts), end)
        return 0 if raw_partition in self._elsewhere else end
