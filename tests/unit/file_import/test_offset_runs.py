"""A set of log positions, stored as runs of offsets."""

import random

import pytest

from streaming.file_import.offset_runs import OffsetRuns


def test_it_equals_a_set_of_positions() -> None:
    drawn = random.Random(7)
    positions, oracle = OffsetRuns(), set()
    offsets = [0, 0, 0]
    for _ in range(3_000):
        partition = drawn.randrange(3)
        offsets[partition] += drawn.choice([1, 1, 1, 2, 5])
        positions.add(partition, offsets[partition])
        oracle.add((partition, offsets[partition]))
    assert len(positions) == len(oracle)
    for partition in range(4):
        for offset in range(-1, max(offsets) + 3):
            assert ((partition, offset) in positions) == ((partition, offset) in oracle)


def test_offsets_must_ascend() -> None:
    positions = OffsetRuns()
    positions.add(0, 5)
    with pytest.raises(ValueError, match="offset 5 after 5"):
        positions.add(0, 5)
