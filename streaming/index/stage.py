"""A batch of records into the index, and what it refuses into the topic of refused documents."""

import logging
from collections import Counter
from collections.abc import Sequence

from confluent_kafka import Message, Producer

from streaming.adapters import kafka
from streaming.events import topics
from streaming.index.documents import DOCUMENTS
from streaming.index.newest import Newest, Record, arrivals, newest
from streaming.metrics import declared
from streaming.metrics.observer import NOBODY, Observer
from streaming.ports import DocumentIndex, StoreAway
from streaming.settings import KafkaSettings

_log = logging.getLogger(__name__)

_Refused = tuple[Record, str, str]


class Indexing:
    """`read` and `write` are what streaming.sink.carry calls."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        index: DocumentIndex,
        producer: Producer,
        observer: Observer = NOBODY,
    ) -> None:
        self._prefix = kafka_settings.topic_prefix
        self._refusals_topic = kafka.name(kafka_settings, topics.REFUSED_DOCUMENTS)
        self._index = index
        self._producer = producer
        self._observer = observer
        self._prepared = False

    def prepare(self) -> None:
        """Makes every index ready. Raises StoreAway."""
        for index, document in DOCUMENTS.items():
            self._index.prepare(index, document)
        self._prepared = True

    def read(self, batch: Sequence[Message]) -> Newest:
        """What is to be written because of `batch`."""
        return newest(map(self._record, batch))

    def write(self, batch: Newest) -> None:
        """Raises StoreAway until all of `batch` is in the index or among the refused documents; a batch given
        again is written again, which changes nothing."""
        standing, unreadable = batch
        if not self._prepared:
            self.prepare()
        refused: list[_Refused] = [(one.record, one.reason, "") for one in unreadable]
        try:
            refusals = self._index.put([write for _, write in standing.values()])
        except StoreAway:
            self._prepared = False  # it may come back empty
            raise
        for refusal in refusals:
            record, _ = standing[refusal.write.index, refusal.write.id]
            refused.append((record, refusal.reason, refusal.detail))
        if refused:
            self._put_aside(refused)
        self._observer.safe(arrivals(write for _, write in standing.values()))

    def _record(self, message: Message) -> Record:
        return Record(
            (message.topic() or "").removeprefix(self._prefix),
            message.partition() or 0,
            message.offset() or 0,
            message.timestamp()[1],
            message.key(),
            message.value(),
        )

    def _put_aside(self, refused: Sequence[_Refused]) -> None:
        """Keeps the original bytes where they can be listed and counted. Returns once they are safe."""
        failures: list[str] = []
        for record, reason, detail in refused:
            self._producer.produce(
                self._refusals_topic,
                record.value,
                record.key,
                headers=[
                    (topics.HEADER_REASON, reason.encode()),
                    (topics.HEADER_DETAIL, detail.encode()),
                    (topics.HEADER_TOPIC, record.topic.encode()),
                    (topics.HEADER_PARTITION, b"%d" % record.partition),
                    (topics.HEADER_OFFSET, b"%d" % record.offset),
                ],
                on_delivery=lambda error, _: failures.append(str(error)) if error else None,
            )
        if self._producer.flush(kafka.TIMEOUT_S) or failures:
            raise StoreAway(f"Kafka did not take refused documents: {failures[:1]}")
        counts = Counter((record.topic, reason) for record, reason, _ in refused)
        for (topic, reason), count in counts.items():
            _log.error("documents_refused", extra={"index": topic, "reason": reason, "count": count})
            self._observer.count(declared.DOCUMENTS_REFUSED, count, index=topic)
