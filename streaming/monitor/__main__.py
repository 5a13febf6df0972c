"""`python -m streaming.monitor`: probes every component until SIGTERM."""

import logging
import sys
import threading
import time
from collections.abc import Sequence

from streaming.contract.topology import GATE
from streaming.gate.settings import GateSettings
from streaming.monitor.flink import FlinkProbe
from streaming.monitor.kafka import KafkaProbe
from streaming.monitor.probe import Probe, start
from streaming.monitor.probe_history import ProbeHistory
from streaming.monitor.reconcile import reconcile_probe
from streaming.monitor.server import server
from streaming.monitor.stages import StagesProbe
from streaming.monitor.stores import ElasticsearchProbe, RedisProbe
from streaming.process import logs
from streaming.process.stop_signal import stop_on_signal
from streaming.settings import (
    ElasticsearchSettings,
    FlinkRestSettings,
    KafkaSettings,
    MetricsSettings,
    RedisSettings,
    WatchSettings,
    printable,
)
from streaming.summaries.settings import job_name

_log = logging.getLogger("streaming.monitor")


def probes(settings: WatchSettings) -> list[Probe]:
    """Returns the probes that apply to any deployment, each with the seconds between two probes."""
    found = [
        Probe("kafka", lambda: KafkaProbe(KafkaSettings()), 5),
        Probe("redis", lambda: RedisProbe(RedisSettings(), GateSettings()), 10),
        Probe("elasticsearch", lambda: ElasticsearchProbe(ElasticsearchSettings()), 5),
        Probe("flink", lambda: FlinkProbe(FlinkRestSettings(), job_name(KafkaSettings())), 10),
        Probe("reconcile", lambda: reconcile_probe, 10),
    ]
    if GATE.name in settings.stages:
        found.append(Probe("stages", lambda: StagesProbe(settings.stages), 10))
    return found


def main(more: Sequence[Probe] = ()) -> int:
    """Runs the probes of any deployment and `more`. Returns 0 after SIGTERM or SIGINT; 1 if the port is taken
    or not set."""
    logs.to_standard_error()
    for noisy in ("httpx", "elastic_transport"):  # they log each request; the history shows failures
        logging.getLogger(noisy).setLevel(logging.ERROR)
    settings, metrics = WatchSettings(), MetricsSettings()
    _log.info("starting", extra={"watch": printable(settings), "port": metrics.port})
    stop = stop_on_signal()
    history = ProbeHistory(1000 * settings.keep_s, lambda: int(time.time() * 1000))
    try:
        listening = server(metrics, history)
    except OSError as error:
        _log.error("fatal", extra={"cause": error.strerror, "remedy": "set VITRINE_METRICS_PORT"})
        return 1
    start([*probes(settings), *more], history, stop)
    threading.Thread(target=listening.serve_forever, name="http", daemon=True).start()
    stop.wait()
    listening.shutdown()
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
