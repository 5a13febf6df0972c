"""`python -m streaming.sinks.mongo`: the MongoDB stage, until SIGTERM."""

import sys
from threading import Event

from streaming.contract.topology import STORE
from streaming.kafka import clients
from streaming.kafka.key_of_log import require_log_of
from streaming.kafka.stage_process import CannotRun, run_stage
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.process import logs
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings, MongoSettings, PseudonymSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.sinks.mongo.settings import StoreSettings
from streaming.sinks.mongo.sink import MongoSink
from streaming.sinks.stage import OnStep, consumer, run_sink


def main(on_step: OnStep = lambda step: None) -> int:
    """Runs until SIGTERM or SIGINT. Returns 0 then, and 1 on what only a restart can repair."""
    logs.to_standard_error()
    kafka_settings, settings = KafkaSettings(), StoreSettings()
    sessions = MongoSessions(MongoSettings())

    def run(stop: Event, observer: Observer) -> None:
        try:
            pseudonyms = PseudonymSettings().pseudonyms
        except InvalidRequest as error:
            raise CannotRun(str(error), "set it, then restart") from error
        require_log_of(kafka_settings, pseudonyms)
        sink = MongoSink(kafka_settings, sessions, clients.producer(kafka_settings), pseudonyms, observer)
        member = consumer(kafka_settings, STORE.group, settings)
        topics = [clients.name(kafka_settings, topic) for topic in STORE.reads]
        run_sink(member, topics, sink, settings, stop, on_step, observer)

    shown = {"store": settings, "kafka": kafka_settings}
    return run_stage(STORE.name, catalogue.OF_STORE, shown, kafka_settings, run)


if __name__ == "__main__":
    sys.exit(main())
