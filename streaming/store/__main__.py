"""`python -m streaming.store`: the MongoDB stage, until SIGTERM."""

import logging
import sys

from confluent_kafka import KafkaException

from streaming import logs, sink
from streaming.adapters import kafka, prometheus
from streaming.adapters.mongo import MongoSessions
from streaming.events import topics
from streaming.metrics import declared
from streaming.metrics.observer import Observer
from streaming.settings import KafkaSettings, MetricsSettings, MongoSettings, printable
from streaming.store.settings import StoreSettings
from streaming.store.stage import Storing

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

    storing = Storing(kafka_settings, sessions, kafka.producer(kafka_settings), observer)
    try:
        kafka.ensure_topics(kafka_settings)
        if sink.insist(sessions.prepare, stop.wait, stop, observer):
            reader = sink.consumer(kafka_settings, GROUP, (topics.VALID,), settings)
            try:
                sink.carry(reader, storing.read, storing.write, settings, stop, passing, observer)
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
