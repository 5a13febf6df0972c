"""`python -m streaming.sinks.elasticsearch`: the Elasticsearch stage, until SIGTERM."""

import logging
import sys
from threading import Event

from elasticsearch import ApiError

from streaming.contract.topology import INDEX
from streaming.kafka import clients
from streaming.kafka.stage_process import CannotRun, run_stage
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.process import logs
from streaming.settings import ElasticsearchSettings, KafkaSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.settings import IndexSettings
from streaming.sinks.elasticsearch.sink import ElasticsearchSink
from streaming.sinks.stage import OnStep, consumer, run_sink


def main(on_step: OnStep = lambda step: None) -> int:
    """Runs until SIGTERM or SIGINT. Returns 0 then, and 1 on what only a restart can repair."""
    logs.to_standard_error()
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)  # it logs every request
    kafka_settings, settings = KafkaSettings(), IndexSettings()
    elasticsearch_settings = ElasticsearchSettings()
    index = ElasticsearchIndex(elasticsearch_settings)

    def run(stop: Event, observer: Observer) -> None:
        sink = ElasticsearchSink(kafka_settings, index, clients.producer(kafka_settings), observer)
        member = consumer(kafka_settings, INDEX.group, settings)
        topics = [clients.name(kafka_settings, topic) for topic in INDEX.reads]
        try:
            run_sink(member, topics, sink, settings, stop, on_step, observer)
        except ApiError as error:  # its text may quote a document
            cause = f"{error.status_code} {error.error}"
            raise CannotRun(cause, "restart; if it comes again, see Elasticsearch's log") from None

    shown = {"index": settings, "elasticsearch": elasticsearch_settings}
    return run_stage(INDEX.name, catalogue.OF_INDEX, shown, kafka_settings, run)


if __name__ == "__main__":
    sys.exit(main())
