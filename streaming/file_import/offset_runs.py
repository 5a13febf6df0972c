"""Which records of a topic are ours, however many: runs of offsets instead of offsets. Pure."""

from array import array
from bisect import bisect_right


class OffsetRuns:
    """A set of (partition, offset), told of each partition's offsets in ascending order."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[array[int], array[int]]] = {}
        self._count = 0

    def add(self, partition: int, offset: int) -> None:
        """Raises ValueError if `offset` does not lie behind those of its partition so far."""
        starts, ends = self._runs.setdefault(partition, (array("q"), array("q")))
        if ends and offset < ends[-1]:
            raise ValueError(f"offset {offset} after {ends[-1] - 1}")
        if ends and offset == ends[-1]:
            ends[-1] += 1
        else:
            starts.append(offset)
            ends.append(offset + 1)
        self._count += 1

    def __contains__(self, place: tuple[int, int]) -> bool:
        partition, offset = place
        if partition not in self._runs:
            return False
        starts, ends = self._runs[partition]
        run = bisect_right(starts, offset) - 1
        return run >= 0 and offset < ends[run]

    def __len__(self) -> int:
        return self._count
