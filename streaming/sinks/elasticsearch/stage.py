"""A batch of records into the index, and what it refuses into the topic of refused documents."""

from collections.abc import Sequence

from confluent_kafka import Message, Producer

from streaming.kafka.dead_letters import DeadLetter, DeadLetters
from streaming.metrics import catalogue
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.newest import IndexRecord, Newest, arrivals, newest
from streaming.sinks.port import DocumentIndex
from streaming.stores import StoreUnavailable


class ElasticsearchSink:
    """`read` and `write` are what streaming.kafka.sink_runner.run_sink calls."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        index: DocumentIndex,
        producer: Producer,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._prefix = kafka_settings.topic_prefix
        self._index = index
        self._aside = DeadLetters(kafka_settings, producer)
        self._observer = observer
        self._prepared = False

    def prepare(self) -> None:
        """Makes every index ready. Raises StoreUnavailable."""
        for index, document in DOCUMENTS.items():
            self._index.prepare(index, document)
        self._prepared = True

    def read(self, batch: Sequence[Message]) -> Newest:
        """What is to be written because of `batch`."""
        return newest(map(self._record, batch))

    def write(self, batch: Newest) -> None:
        """Raises StoreUnavailable until all of `batch` is in the index or among the refused documents; a
        batch given again is written again, which changes nothing."""
        standing, unreadable = batch
        if not self._prepared:
            self.prepare()
        refused = [_refused(one.record, one.reason, "") for one in unreadable]
        try:
            refusals = self._index.put([write for _, write in standing.values()])
        except StoreUnavailable:
            self._prepared = False  # it may come back empty
            raise
        for refusal in refusals:
            record, _ = standing[refusal.write.index, refusal.write.id]
            refused.append(_refused(record, refusal.reason, refusal.detail))
        for index, count in self._aside.put(refused).items():
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
