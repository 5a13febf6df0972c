"""`python -m streaming.sinks.elasticsearch`: the Elasticsearch stage, until SIGTERM."""

import logging
import sys

from confluent_kafka import KafkaException
from elasticsearch import ApiError

from streaming.contract.topology import INDEX
from streaming.kafka import clients, sink_runner
from streaming.metrics import catalogue, prometheus
from streaming.metrics.observer import Observer
from streaming.process import logs
from streaming.settings import ElasticsearchSettings, KafkaSettings, MetricsSettings, printable
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.settings import IndexSettings
from streaming.sinks.elasticsearch.stage import ElasticsearchSink

_log = logging.getLogger("streaming.sinks.elasticsearch")


def main(passing: sink_runner.OnStep = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)  # a line a request
    kafka_settings, settings = KafkaSettings(), IndexSettings()
    elasticsearch_settings = ElasticsearchSettings()
    _log.info(
        "starting",
        extra={"index": printable(settings), "elasticsearch": printable(elasticsearch_settings)},
    )
    stop = sink_runner.stop_on_signal()
    observer = Observer(INDEX.name, prometheus.serve(MetricsSettings()), catalogue.OF_INDEX)
    index = ElasticsearchIndex(elasticsearch_settings)
    indexing = ElasticsearchSink(kafka_settings, index, clients.producer(kafka_settings), observer)
    try:
        clients.ensure_topics(kafka_settings)
        if sink_runner.retry_until_available(indexing.prepare, stop.wait, stop, observer):
            reader = sink_runner.consumer(kafka_settings, INDEX.group, INDEX.reads, settings)
            try:
                sink_runner.run_sink(reader, indexing.read, indexing.write, settings, stop, passing, observer)
            finally:
                reader.close()
    except (KafkaException, ApiError) as error:
        # What else Elasticsearch says may quote a document.
        cause = f"{error.status_code} {error.error}" if isinstance(error, ApiError) else str(error)
        _log.error("fatal", extra={"cause": cause, "remedy": "restart; if it comes again, see their logs"})
        return 1
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
