"""Which records are ours."""

import random

import pytest

from streaming.file_import.offset_runs import OffsetRuns


def test_like_a_set_of_places() -> None:
    drawn = random.Random(7)
    places, oracle = OffsetRuns(), set()
    offsets = [0, 0, 0]
    for _ in range(3_000):
        partition = drawn.randrange(3)
        offsets[partition] += drawn.choice([1, 1, 1, 2, 5])
        places.add(partition, offsets[partition])
        oracle.add((partition, offsets[partition]))
    assert len(places) == len(oracle)
    for partition in range(4):
        for offset in range(-1, max(offsets) + 3):
            assert ((partition, offset) in places) == ((partition, offset) in oracle)


def test_offsets_ascend() -> None:
    places = OffsetRuns()
    places.add(0, 5)
    with pytest.raises(ValueError, match="offset 5 after 5"):
        places.add(0, 5)
