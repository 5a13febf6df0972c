"""`python -m streaming.gate`: the Redis stage, until SIGTERM."""

import sys
from threading import Event

from streaming.contract import topics
from streaming.contract.topology import GATE
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.run import run_gate
from streaming.gate.self_check import refused_golden_sessions
from streaming.gate.settings import GateSettings, exceeds_retention
from streaming.gate.steps import OnStep
from streaming.kafka import clients
from streaming.kafka.stage_process import CannotRun, run_stage
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.process import garbage_collection, logs
from streaming.process.exit_code import InvalidRequest
from streaming.settings import KafkaSettings, RedisSettings

_BAD_RELEASE = "nothing was read: this release breaks the contract; repair it (what is sent waits)"


def main(on_step: OnStep = lambda step: None) -> int:
    """Runs until SIGTERM or SIGINT. Returns 0 then, and 1 on what only a restart can repair."""
    logs.to_standard_error()
    kafka_settings, redis_settings, settings = KafkaSettings(), RedisSettings(), GateSettings()

    def run(stop: Event, observer: Observer) -> None:
        garbage_collection.tune_for_batches()
        retention_ms = clients.retention_ms(kafka_settings, topics.RAW, topics.VALID)
        if wrong := exceeds_retention(settings.horizon_ms, retention_ms):
            raise CannotRun(wrong, "set it anew, then restart")
        run_gate(kafka_settings, settings, RedisDedupStore(redis_settings, settings), stop, on_step, observer)

    return run_stage(
        GATE.name,
        catalogue.OF_GATE,
        {"gate": settings, "kafka": kafka_settings},
        kafka_settings,
        run,
        check=lambda: _check_release(settings),
        remedy="restart; another gate may use this instance name",
    )


def _check_release(settings: GateSettings) -> None:
    """Raises CannotRun if there is no key of pseudonyms, or if this release rejects sessions that the
    contract promises to accept."""
    try:
        pseudonyms = settings.pseudonyms
    except InvalidRequest as error:
        raise CannotRun(str(error), "set it, then restart") from error
    if refused := refused_golden_sessions(settings.horizon_ms, pseudonyms):
        cause = {name: f"{why.reason}: {why.detail}" for name, why in refused.items()}
        raise CannotRun(cause, _BAD_RELEASE, event="golden_sessions_refused")


if __name__ == "__main__":
    sys.exit(main())
