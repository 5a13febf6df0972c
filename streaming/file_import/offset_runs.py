"""A set of log positions in little memory: stores runs of offsets instead of single offsets. Pure."""

from array import array
from bisect import bisect_right


class OffsetRuns:
    """A set of (partition, offset). Each partition's offsets must be added in ascending order."""

    def __init__(self) -> None:
        self._runs: dict[int, tuple[array[int], array[int]]] = {}
        self._count = 0

    def add(self, partition: int, offset: int) -> None:
        """Raises ValueError if `offset` is not greater than all offsets of its partition so far."""
        starts, ends = self._runs.setdefault(partition, (array("q"), array("q")))
        if ends and offset < ends[-1]:
            raise ValueError(f"offset {offset} after {ends[-1] - 1}")
        if ends and offset == ends[-1]:
            ends[-1] += 1
        else:
            starts.append(offset)
            ends.append(offset + 1)
        self._count += 1

    def __contains__(self, position: tuple[int, int]) -> bool:
        partition, offset = position
        if partition not in self._runs:
            return False
        starts, ends = self._runs[partition]
        run = bisect_right(starts, offset) - 1
        return run >= 0 and offset < ends[run]

    def __len__(self) -> int:
        return self._count
