"""The process of a stage: logs, signals, topics, and how it ends."""

import logging
from collections.abc import Callable, Mapping
from threading import Event

from confluent_kafka import KafkaException

from streaming.contract import pseudonym_key
from streaming.contract.pseudonym_key import OtherKey
from streaming.kafka import clients
from streaming.metrics import prometheus
from streaming.metrics.kinds import Counter
from streaming.metrics.observer import Observer
from streaming.process.stop_signal import stop_on_signal
from streaming.settings import KafkaSettings, MetricsSettings, Settings, printable


class CannotRun(Exception):
    """The stage must not run, or cannot go on, as things are. `cause` quotes no message; `event` is the name
    under which it is logged."""

    def __init__(self, cause: object, remedy: str, event: str = "fatal") -> None:
        super().__init__(str(cause))
        self.cause, self.remedy, self.event = cause, remedy, event


def run_stage(
    stage: str,
    own_metrics: tuple[Counter, ...],
    settings: Mapping[str, Settings],
    kafka_settings: KafkaSettings,
    run: Callable[[Event, Observer], None],
    check: Callable[[], None] = lambda: None,
    remedy: str = "restart; if it comes again, see Kafka's log",
) -> int:
    """Calls `check`, which may raise CannotRun before Kafka is touched, then `run` with an event that SIGTERM
    and SIGINT set and with the stage's metrics, which are served from then on. Logs `settings` first, by name
    and without secrets. Returns the exit code: 0 after a signal, 1 on what only a restart can repair;
    `remedy` is logged with that."""
    log = logging.getLogger(f"streaming.{stage}")
    stop = stop_on_signal()
    log.info("starting", extra={name: printable(one) for name, one in settings.items()})
    try:
        check()
        clients.ensure_topics(kafka_settings)
        run(stop, Observer(stage, prometheus.serve(MetricsSettings()), own_metrics))
    except CannotRun as error:
        log.error(error.event, extra={"cause": error.cause, "remedy": error.remedy})
        return 1
    except OtherKey as error:
        log.error("other_pseudonym_key", extra={"cause": str(error), "remedy": pseudonym_key.REMEDY})
        return 1
    except KafkaException as error:
        log.error("fatal", extra={"cause": str(error), "remedy": remedy})
        return 1
    log.info("stopped")
    return 0
