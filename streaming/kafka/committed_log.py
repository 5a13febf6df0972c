"""The committed log, with which other stores are compared and from which they are rebuilt."""

import math
from collections.abc import Iterator

from confluent_kafka import Consumer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from streaming.kafka import clients, offsets
from streaming.kafka.partitions import (
    TIMEOUT_S,
    committed_offsets,
    first_and_end,
    list_offsets,
    partitions_of,
    read_until,
)
from streaming.settings import KafkaSettings


class CommittedLog:
    """A view of one topic and the offsets that one consumer group has committed on it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(clients.properties(settings))

    def identity(self, *names: str) -> str:
        """Returns the identity of the cluster and these topics; it changes when a topic is created anew."""
        topics = [clients.name(self._settings, name) for name in names]
        described = self._admin.describe_topics(TopicCollection(topics), request_timeout=TIMEOUT_S)
        ids = [str(described[topic].result(TIMEOUT_S).topic_id) for topic in topics]
        cluster = self._admin.list_topics(timeout=TIMEOUT_S).cluster_id
        return " ".join([str(cluster), *ids])

    def partitions(self, topic: str) -> list[TopicPartition]:
        return partitions_of(self._admin, clients.name(self._settings, topic))

    def committed(self, client: Consumer, topic: str) -> list[TopicPartition]:
        """Returns what the group of `client` has committed of each partition of `topic` (a negative offset:
        nothing), with the metadata. Waits for transactions that hold offsets of the group."""
        return read_committed_offsets(client, self.partitions(topic))

    def ends(self, topic: str) -> dict[int, int]:
        """Returns the offset after the last record of each partition, committed or not."""
        return offsets.ends(self._settings, topic)

    def begins_ms(self, topic: str) -> int:
        """Returns the oldest record's time in the partition that retention has cut most; 0 if none was
        cut."""
        partitions = self.partitions(topic)
        firsts = list_offsets(self._admin, partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        stamped = list_offsets(self._admin, partitions, OffsetSpec.for_timestamp(0))
        return max((stamped[at].timestamp for at, first in firsts.items() if first.offset > 0), default=0)

    def newest_first(self, topic: str) -> Iterator[Iterator[bytes]]:
        """Yields, for each partition, the values that are visible now, from its end backwards."""
        client = clients.looking_consumer(
            self._settings, "read-settled", **{"enable.partition.eof": True, "fetch.wait.max.ms": 10}
        )
        try:
            for at in self.partitions(topic):
                yield _backwards(client, at)
        finally:
            client.close()

    def decided_values(self, topic: str, since_ms: int = 0) -> Iterator[tuple[bytes, float]]:
        """Yields the values of `topic` up to its present end, once the transactions open now are decided,
        each with the share of the records read so far. Each partition is read from its first record stamped
        `since_ms` or later; everything before that is older."""
        ends = offsets.wait_visible(self._settings, topic)
        found = list_offsets(self._admin, self.partitions(topic), OffsetSpec.for_timestamp(since_ms))
        # Without such a record the answer is a negative offset.
        begins = {at: info.offset if info.offset >= 0 else ends[at.partition] for at, info in found.items()}
        total, behind = sum(ends[at.partition] - begin for at, begin in begins.items()) or 1, 0
        client = clients.looking_consumer(self._settings, "read-settled", **{"enable.partition.eof": True})
        try:
            for at, begin in begins.items():
                end = ends[at.partition]
                if begin < end:
                    for message in read_until(client, TopicPartition(at.topic, at.partition, begin), end):
                        if (value := message.value()) is not None:
                            yield value, (behind + (message.offset() or 0) - begin) / total
                    behind += end - begin
        finally:
            client.close()


def _backwards(client: Consumer, partition: TopicPartition) -> Iterator[bytes]:
    """Yields the values of `partition` from its end on, in steps of growing length: the newest record is
    seldom far from the end, where markers of transactions and aborted records may stand."""
    (first, end), step = first_and_end(client, partition), 64
    while end > first:
        begin = max(first, end - step)
        records = list(read_until(client, TopicPartition(partition.topic, partition.partition, begin), end))
        yield from (value for one in reversed(records) if (value := one.value()) is not None)
        end, step = begin, min(2 * step, 8_192)


def read_committed_offsets(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """`committed_offsets`, waiting for as long as it takes."""
    return committed_offsets(client, partitions, patience_s=math.inf)
