"""From where on a topic still has every outcome that it was given, once retention has cut its head. Pure.

A gate writes the outcomes of a raw partition in the order of its offsets. So a partition of an outcome topic
that begins, because what came before was deleted, with an outcome of raw offset n has all of that raw
partition from n on.
"""

from collections.abc import Collection

from streaming.contract.log_position import LogPosition


class TopicHead:
    """Of one topic of outcomes. Hears of all that is left of it, each partition in order. `cut`: those of its
    partitions of which something was deleted."""

    def __init__(self, cut: Collection[int]) -> None:
        self._cut = cut
        self._first: dict[tuple[int, int], int] = {}
        self._elsewhere: set[int] = set()

    def hear(self, partition: int, of: LogPosition) -> None:
        if partition in self._cut:
            self._first.setdefault((partition, of.partition), of.offset)
        elif self._cut:
            self._elsewhere.add(of.partition)

    def complete_from(self, raw_partition: int, end: int) -> int:
        """The first offset of `raw_partition` whose outcome, if this topic ever had it, is surely there; its
        `end` if nothing tells. A cut partition without any of its outcomes is taken to never have had one, as
        long as they stand in others: they are keyed alike."""
        if not self._cut:
            return 0
        firsts = [first for (_, of), first in self._first.items() if of == raw_partition]
        if firsts:
            return min(max(firsts), end)
        return 0 if raw_partition in self._elsewhere else end
