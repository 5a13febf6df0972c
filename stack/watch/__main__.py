"""`python -m stack.watch`: looks at every component until SIGTERM."""

import logging
import sys
import threading
import time

from stack.components import flink
from stack.place import here
from stack.service import Place
from stack.watch.board import Board
from stack.watch.flink import FlinkProbe
from stack.watch.kafka import KafkaProbe
from stack.watch.looking import Probe, start
from stack.watch.reconciled import reconcile_probe
from stack.watch.server import server
from stack.watch.services import ServicesProbe
from stack.watch.stages import StagesProbe
from stack.watch.stores import ElasticsearchProbe, RedisProbe
from streaming import logs, sink
from streaming.gate.settings import GateSettings
from streaming.settings import (
    ElasticsearchSettings,
    KafkaSettings,
    MetricsSettings,
    RedisSettings,
    WatchSettings,
    printable,
)

_log = logging.getLogger("stack.watch")


def probes(place: Place, settings: WatchSettings) -> list[Probe]:
    """All that apply here, with the seconds between two looks."""
    job = flink.job_name(place)
    found = [
        Probe("kafka", lambda: KafkaProbe(KafkaSettings()), 5),
        Probe("redis", lambda: RedisProbe(RedisSettings(), GateSettings()), 10),
        Probe("elasticsearch", lambda: ElasticsearchProbe(ElasticsearchSettings()), 5),
        Probe("flink", lambda: FlinkProbe(flink.rest(place), job), 10),
        Probe("reconcile", lambda: reconcile_probe, 10),
    ]
    if settings.supervised:
        found.append(Probe("services", lambda: ServicesProbe(place), 15))
    if "gate" in settings.stages:
        found.append(Probe("stages", lambda: StagesProbe(settings.stages), 10))
    return found


def main() -> int:
    """0 after SIGTERM or SIGINT; 1 if the port is taken or none is set."""
    logs.to_standard_error()
    for noisy in ("httpx", "elastic_transport"):  # a line a request; that one failed, the board tells
        logging.getLogger(noisy).setLevel(logging.ERROR)
    settings, metrics = WatchSettings(), MetricsSettings()
    _log.info("starting", extra={"watch": printable(settings), "port": metrics.port})
    stop = sink.stop_on_signal()
    board = Board(1000 * settings.keep_s, lambda: int(time.time() * 1000))
    try:
        listening = server(metrics, board)
    except OSError as error:
        _log.error("fatal", extra={"cause": error.strerror, "remedy": "set VITRINE_METRICS_PORT"})
        return 1
    start(probes(here(), settings), board, stop)
    threading.Thread(target=listening.serve_forever, name="http", daemon=True).start()
    stop.wait()
    listening.shutdown()
    _log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
