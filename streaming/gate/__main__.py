"""`python -m streaming.gate`: the Redis stage, until SIGTERM."""

import logging
import signal
import sys
from collections.abc import Callable
from threading import Event

from confluent_kafka import KafkaException

from streaming import garbage_collection, logs
from streaming.contract import topics
from streaming.contract.topology import GATE
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings, exceeds_retention
from streaming.gate.stage import Stage, Step
from streaming.kafka import clients
from streaming.metrics import catalogue, prometheus
from streaming.metrics.observer import Observer
from streaming.settings import KafkaSettings, MetricsSettings, RedisSettings, printable

_log = logging.getLogger("streaming.gate")


def main(passing: Callable[[Step], None] = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    kafka_settings, redis_settings, settings = KafkaSettings(), RedisSettings(), GateSettings()
    _log.info("starting", extra={"gate": printable(settings), "kafka": printable(kafka_settings)})
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    garbage_collection.tune_for_batches()
    try:
        clients.ensure_topics(kafka_settings)
        retention_ms = clients.retention_ms(kafka_settings, topics.RAW, topics.VALID)
        if wrong := exceeds_retention(settings.horizon_ms, retention_ms):
            _log.error("fatal", extra={"cause": wrong})
            return 1
        observer = Observer(GATE.name, prometheus.serve(MetricsSettings()), catalogue.OF_GATE)
        Stage(kafka_settings, settings, RedisDedupStore(redis_settings, settings), passing, observer).run(
            stop
        )
    except KafkaException as error:
        _log.error(
            "fatal", extra={"cause": str(error), "remedy": "restart; another gate may use this instance name"}
        )
        return 1
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
