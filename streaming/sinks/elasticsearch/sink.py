"""Writes records into Elasticsearch, and what it refuses into the topic of dead letters."""

from collections.abc import Sequence

from confluent_kafka import Message, Producer

from streaming.kafka.dead_letters import DeadLetter, DeadLetters
from streaming.metrics import catalogue
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.newest import IndexRecord, Newest, arrivals, newest
from streaming.sinks.port import DocumentIndex


class ElasticsearchSink:
    """Implements streaming.sinks.stage.Sink."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        index: DocumentIndex,
        producer: Producer,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._prefix = kafka_settings.topic_prefix
        self._index = index
        self._dead_letters = DeadLetters(kafka_settings, producer)
        self._observer = observer

    def prepare(self) -> None:
        """Makes every index ready. Raises StoreUnavailable."""
        for index, document in DOCUMENTS.items():
            self._index.prepare(index, document)

    def read(self, batch: Sequence[Message]) -> Newest:
        """Returns the newest document of each id in `batch`."""
        return newest(map(self._record, batch))

    def write(self, batch: Newest) -> None:
        """Returns when all of `batch` is in the index or among the dead letters; writing a batch again
        changes nothing. Raises StoreUnavailable."""
        standing, unreadable = batch
        refused = [_refused(one.record, one.reason, "") for one in unreadable]
        for refusal in self._index.put([write for _, write in standing.values()]):
            record, _ = standing[refusal.write.index, refusal.write.id]
            refused.append(_refused(record, refusal.reason, refusal.detail))
        for index, count in self._dead_letters.put(refused).items():
            self._observer.count(catalogue.DOCUMENTS_REFUSED, count, index=index)
        self._observer.observe_latency(arrivals(write for _, write in standing.values()))

    def _record(self, message: Message) -> IndexRecord:
        return IndexRecord(
            (message.topic() or "").removeprefix(self._prefix),
            message.partition() or 0,
            message.offset() or 0,
            message.timestamp()[1],
            message.key(),
            message.value(),
        )


def _refused(record: IndexRecord, reason: str, detail: str) -> DeadLetter:
    return DeadLetter(record.topic, record.partition, record.offset, record.key, record.value, reason, detail)
