"""`python -m streaming.gate`: the Redis stage, until SIGTERM."""

import logging
import sys

from confluent_kafka import KafkaException

from streaming.contract import topics
from streaming.contract.topology import GATE
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.self_check import refused_golden_sessions
from streaming.gate.settings import GateSettings, exceeds_retention
from streaming.gate.stage import Stage
from streaming.gate.steps import OnStep
from streaming.kafka import clients
from streaming.kafka.sink_runner import stop_on_signal
from streaming.metrics import catalogue, prometheus
from streaming.metrics.observer import Observer
from streaming.process import garbage_collection, logs
from streaming.settings import KafkaSettings, MetricsSettings, RedisSettings, printable

_log = logging.getLogger("streaming.gate")
_BAD_RELEASE = "nothing was read: this release breaks the contract; go back to the one before, or mend it"


def main(passing: OnStep = lambda step: None) -> int:
    """0 after SIGTERM or SIGINT; 1 on what only a restart can heal."""
    logs.to_standard_error()
    stop = stop_on_signal()
    kafka_settings, redis_settings, settings = KafkaSettings(), RedisSettings(), GateSettings()
    _log.info("starting", extra={"gate": printable(settings), "kafka": printable(kafka_settings)})
    if refused := refused_golden_sessions(settings.horizon_ms):
        cause = {name: f"{why.reason}: {why.detail}" for name, why in refused.items()}
        _log.error("golden_sessions_refused", extra={"cause": cause, "remedy": _BAD_RELEASE})
        return 1
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
