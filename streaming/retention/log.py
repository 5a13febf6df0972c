"""How far back Kafka's topics reach: the broker deletes there by itself."""

from contextlib import closing

from confluent_kafka import TopicPartition

from streaming.contract import topics
from streaming.kafka import clients
from streaming.kafka.partitions import first_and_end, next_record, partitions_of
from streaming.settings import KafkaSettings


def oldest_ms(settings: KafkaSettings) -> int | None:
    """Returns when the oldest record of all topics was stamped; None if there is none. Raises
    KafkaException."""
    found: list[int] = []
    for topic in topics.declared(settings.partitions, settings.retention_ms):
        looking = clients.looking_consumer(settings, "progress", **{"enable.partition.eof": True})
        with closing(looking) as client:
            for at in partitions_of(client, clients.name(settings, topic.name)):
                first = TopicPartition(at.topic, at.partition, first_and_end(client, at)[0])
                _, record = next_record(client, first)
                if record is not None:
                    found.append(record.timestamp()[1])
    return min(found, default=None)
