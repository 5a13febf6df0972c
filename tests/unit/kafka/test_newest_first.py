"""A partition is read from its end backwards, whatever stands there that no reader sees."""

import pytest
from confluent_kafka import KafkaError, TopicPartition

from streaming.kafka.committed_log import _backwards


class Found:
    """A record, or the end of the partition."""

    def __init__(self, offset: int, error: KafkaError | None = None) -> None:
        self._offset, self._error = offset, error

    def offset(self) -> int:
        return self._offset

    def error(self) -> KafkaError | None:
        return self._error

    def value(self) -> bytes | None:
        return b"%d" % self._offset


class Partition:
    """As a consumer sees it: records at `visible` offsets, and at the others nothing."""

    def __init__(self, first: int, end: int, visible: range) -> None:
        self.first, self.end, self.visible, self.at, self.read = first, end, visible, 0, 0

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        return self.first, self.end

    def assign(self, partitions: list[TopicPartition]) -> None:
        [partition] = partitions
        self.at = partition.offset

    def consume(self, count: int, timeout: float) -> list[Found]:
        found = [Found(offset) for offset in self.visible if offset >= self.at][:count]
        self.read += len(found)
        self.at = found[-1].offset() + 1 if found else self.end
        return found or [Found(self.end, KafkaError(KafkaError._PARTITION_EOF))]


@pytest.mark.parametrize(
    ("first", "end", "visible"),
    [
        (0, 0, range(0)),
        (7, 7, range(0)),
        (0, 1, range(0)),  # a marker alone
        (0, 1, range(1)),
        (0, 30_000, range(3, 40)),  # then aborted records and markers
        (5, 900, range(5, 900, 2)),
        (0, 64, range(64)),
        (0, 65, range(64)),
    ],
)
def test_each_visible_record_once_from_the_end_on(first: int, end: int, visible: range) -> None:
    partition = Partition(first, end, visible)
    found = list(_backwards(partition, TopicPartition("t", 0)))  # type: ignore[arg-type]
    assert found == [b"%d" % offset for offset in reversed(visible)]


def test_the_newest_alone_takes_one_short_step() -> None:
    partition = Partition(0, 1_000_001, range(1_000_000))
    assert next(_backwards(partition, TopicPartition("t", 0))) == b"999999"  # type: ignore[arg-type]
    assert partition.read <= 64
