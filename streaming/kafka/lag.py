"""How far the stages are behind: messages between what a group has committed and the end of its topic."""

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streaming.kafka import clients
from streaming.settings import KafkaSettings


def lag(settings: KafkaSettings, group: str, read: tuple[str, ...]) -> int:
    """Records of the topics `read` that `group` has not committed; 0 if it has seen all.
    Raises KafkaException if the cluster cannot be asked."""
    client = clients.consumer(settings, group, **{"enable.partition.eof": True})
    try:
        return sum(
            _partition_lag(client, clients.name(settings, topic), partition, end)
            for topic in read
            for partition, end in clients.end_offsets(client, clients.name(settings, topic)).items()
        )
    finally:
        client.close()


def _partition_lag(client: Consumer, topic: str, partition: int, end: int) -> int:
    [committed] = client.committed([TopicPartition(topic, partition)], timeout=clients.TIMEOUT_S)
    low, _ = client.get_watermark_offsets(TopicPartition(topic, partition), timeout=clients.TIMEOUT_S)
    start = max(low, committed.offset)  # a group that never committed has a negative offset
    if start >= end or first_from(client, TopicPartition(topic, partition, start)) is None:
        return 0
    return end - start


def first_from(
    client: Consumer, start: TopicPartition, timeout_s: float = clients.TIMEOUT_S
) -> Message | None:
    """The first visible record at `start` or later, if there is one; `client` must tell of partitions' ends.
    Transactions end with markers, which take offsets and which nobody commits past, so that offsets alone
    never show a lag of nothing. Raises KafkaException if the cluster does not say."""
    client.assign([start])
    try:
        message = client.poll(timeout_s)
        if message is None:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        return message if error is None else None
    finally:
        client.unassign()
