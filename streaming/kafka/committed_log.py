"""What the Kafka log has committed: what other stores are compared with and rebuilt from."""

import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from streaming.kafka import clients, offsets
from streaming.settings import KafkaSettings

_POLL_S = 0.05


class CommittedLog:
    """A view of one topic and the offsets that one consumer group has committed on it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._admin = AdminClient(clients.properties(settings))

    def identity(self, *names: str) -> str:
        """Of the cluster and these topics: another one after a topic was deleted and made again."""
        topics = [clients.name(self._settings, name) for name in names]
        described = self._admin.describe_topics(TopicCollection(topics), request_timeout=clients.TIMEOUT_S)
        ids = [str(described[topic].result(clients.TIMEOUT_S).topic_id) for topic in topics]
        cluster = self._admin.list_topics(timeout=clients.TIMEOUT_S).cluster_id
        return " ".join([str(cluster), *ids])

    def partitions(self, topic: str) -> list[TopicPartition]:
        name = clients.name(self._settings, topic)
        found = self._admin.list_topics(name, timeout=clients.TIMEOUT_S).topics[name]
        if found.error is not None:
            raise KafkaException(found.error)
        return [TopicPartition(name, partition) for partition in sorted(found.partitions)]

    def committed(self, client: Consumer, topic: str) -> list[TopicPartition]:
        """For every partition of `topic` what the group of `client` has committed (negative: nothing yet),
        with the metadata. Waits for transactions that hold offsets of the group."""
        return read_committed_offsets(client, self.partitions(topic))

    def ends(self, topic: str) -> dict[int, int]:
        """The offset after the last record of each partition, committed or not."""
        return offsets.ends(self._settings, topic)

    def begins_ms(self, topic: str) -> int:
        """The time of the oldest record of the partition that retention has cut most; 0 where none is cut."""
        partitions = self.partitions(topic)
        firsts = self._offsets(partitions, OffsetSpec.earliest())  # type: ignore[no-untyped-call]
        stamped = self._offsets(partitions, OffsetSpec.for_timestamp(0))
        return max((stamped[p].timestamp for p, first in firsts.items() if first.offset > 0), default=0)

    def decided_values(self, topic: str, since_ms: int = 0) -> Iterator[tuple[bytes, float]]:
        """The values of `topic` up to its end as of now, once the transactions open now are decided, each
        with the share of the way that lies behind it. Of each partition from the first record on that is
        stamped `since_ms` or later: whatever stands before it is older."""
        partitions = self.partitions(topic)
        ends = offsets.wait_visible(self._settings, topic)
        found = self._offsets(partitions, OffsetSpec.for_timestamp(since_ms))
        # Without such a record the answer is a negative offset.
        begins = {p: at.offset if at.offset >= 0 else ends[p] for p, at in found.items()}
        total, behind = sum(ends[p] - begin for p, begin in begins.items()) or 1, 0
        client = clients.consumer(self._settings, "read-settled", **{"enable.partition.eof": True})
        try:
            for partition in partitions:
                begin, end = begins[partition.partition], ends[partition.partition]
                if begin < end:
                    client.assign([TopicPartition(partition.topic, partition.partition, begin)])
                    for value, offset in _until(client, end):
                        yield value, (behind + offset - begin) / total
                    behind += end - begin
        finally:
            client.close()

    def _offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, Any]:
        """By partition, a ListOffsetsResultInfo."""
        asked = dict.fromkeys(partitions, spec)
        answers = self._admin.list_offsets(asked, request_timeout=clients.TIMEOUT_S)
        return {partition.partition: answers[partition].result(clients.TIMEOUT_S) for partition in partitions}


def read_committed_offsets(client: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    """`Consumer.committed`, waiting for pending transactions and brokers that are away."""
    while True:
        try:
            found: list[TopicPartition] = client.committed(partitions, timeout=clients.TIMEOUT_S)
        except KafkaException as error:
            if not error.args[0].retriable() and error.args[0].code() not in _PASSING:
                raise
            time.sleep(_POLL_S)
            continue
        failed = [partition.error for partition in found if partition.error is not None]
        if not failed:
            return found
        if any(error.code() not in _PASSING for error in failed):
            raise KafkaException(failed[0])
        time.sleep(_POLL_S)


_PASSING = {
    KafkaError.UNSTABLE_OFFSET_COMMIT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._WAIT_COORD,
}


def _until(client: Consumer, end: int) -> Iterator[tuple[bytes, int]]:
    """Committed values before offset `end` of the one assigned partition, with their offsets."""
    while True:
        for message in client.consume(5_000, timeout=clients.POLL_S):
            error, offset = message.error(), message.offset()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                if not error.retriable():
                    raise KafkaException(error)
            elif offset is not None and offset >= end:
                return
            elif error is None and (value := message.value()) is not None:
                yield value, offset or 0
