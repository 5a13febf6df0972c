"""`python -m streaming.store`: the MongoDB stage, until SIGTERM."""

import logging
import sys
from collections.abc import Sequence

from confluent_kafka import KafkaException, Message

from streaming import logs, sink
from streaming.adapters import kafka, prometheus
from streaming.adapters.mongo import MongoSessions
from streaming.events import topics
from streaming.metrics import declared
from streaming.metrics.observer import Observer
from streaming.ports import Document
from streaming.settings import KafkaSettings, MetricsSettings, MongoSettings, printable
from streaming.store.documents import document
from streaming.store.settings import StoreSettings

GROUP = "store"
_log = logging.getLogger("streaming.store")


def main(passing: sink.Passing = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    kafka_settings, mongo_settings, settings = KafkaSettings(), MongoSettings(), StoreSettings()
    _log.info("starting", extra={"store": printable(settings), "kafka": printable(kafka_settings)})
    stop = sink.stop_on_signal()
    sessions = MongoSessions(mongo_settings)
    observer = Observer(GROUP, prometheus.serve(MetricsSettings()), declared.OF_STORE)

    def read(batch: Sequence[Message]) -> list[Document]:
        return [document(message.value() or b"") for message in batch]

    def write(documents: list[Document]) -> None:
        new = sessions.insert(documents)
        observer.count(declared.SESSIONS_STORED, new, result="new")
        observer.count(declared.SESSIONS_STORED, len(documents) - new, result="known")
        observer.safe(one["arrivedAtMs"] for one in documents)

    try:
        kafka.ensure_topics(kafka_settings)
        if sink.insist(sessions.prepare, stop.wait, stop, observer):
            reader = sink.consumer(kafka_settings, GROUP, (topics.VALID,), settings)
            try:
                sink.carry(reader, read, write, settings, stop, passing, observer)
            finally:
                reader.close()
    except KafkaException as error:
        _log.error(
            "fatal", extra={"cause": str(error), "remedy": "restart; if it comes again, see Kafka's log"}
        )
        return 1
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
