"""`python -m streaming.index`: the Elasticsearch stage, until SIGTERM."""

import logging
import sys

from confluent_kafka import KafkaException
from elasticsearch import ApiError

from streaming import logs, sink
from streaming.adapters import kafka, prometheus
from streaming.adapters.elasticsearch import ElasticsearchIndex
from streaming.events import topics
from streaming.index.settings import IndexSettings
from streaming.index.stage import Indexing
from streaming.metrics import declared
from streaming.metrics.observer import Observer
from streaming.settings import ElasticsearchSettings, KafkaSettings, MetricsSettings, printable

GROUP = "index"
_log = logging.getLogger("streaming.index")


def main(passing: sink.Passing = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)  # a line a request
    kafka_settings, settings = KafkaSettings(), IndexSettings()
    elasticsearch_settings = ElasticsearchSettings()
    _log.info(
        "starting",
        extra={"index": printable(settings), "elasticsearch": printable(elasticsearch_settings)},
    )
    stop = sink.stop_on_signal()
    observer = Observer(GROUP, prometheus.serve(MetricsSettings()), declared.OF_INDEX)
    index = ElasticsearchIndex(elasticsearch_settings)
    indexing = Indexing(kafka_settings, index, kafka.producer(kafka_settings), observer)
    try:
        kafka.ensure_topics(kafka_settings)
        if sink.insist(indexing.prepare, stop.wait, stop, observer):
            reader = sink.consumer(kafka_settings, GROUP, topics.INDEXED, settings)
            try:
                sink.carry(reader, indexing.read, indexing.write, settings, stop, passing, observer)
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
