"""`python -m streaming.sinks.mongo`: the MongoDB stage, until SIGTERM."""

import logging
import sys

from confluent_kafka import KafkaException

from streaming.contract.topology import STORE
from streaming.kafka import clients, sink_runner
from streaming.metrics import catalogue, prometheus
from streaming.metrics.observer import Observer
from streaming.process import logs
from streaming.settings import KafkaSettings, MetricsSettings, MongoSettings, printable
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.sinks.mongo.settings import StoreSettings
from streaming.sinks.mongo.stage import MongoSink

_log = logging.getLogger("streaming.sinks.mongo")


def main(passing: sink_runner.OnStep = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    kafka_settings, mongo_settings, settings = KafkaSettings(), MongoSettings(), StoreSettings()
    _log.info("starting", extra={"store": printable(settings), "kafka": printable(kafka_settings)})
    stop = sink_runner.stop_on_signal()
    sessions = MongoSessions(mongo_settings)
    observer = Observer(STORE.name, prometheus.serve(MetricsSettings()), catalogue.OF_STORE)

    storing = MongoSink(kafka_settings, sessions, clients.producer(kafka_settings), observer)
    try:
        clients.ensure_topics(kafka_settings)
        if sink_runner.retry_until_available(sessions.prepare, stop.wait, stop, observer):
            reader = sink_runner.consumer(kafka_settings, STORE.group, STORE.reads, settings)
            try:
                sink_runner.run_sink(reader, storing.read, storing.write, settings, stop, passing, observer)
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
