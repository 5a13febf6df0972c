"""What the watch answers over HTTP: /metrics to Prometheus, /recent to the page Health."""

from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from streaming.metrics.prometheus import PrometheusReadings
from streaming.monitor.probe_history import ProbeHistory
from streaming.settings import MetricsSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TOLD_BY_THEMSELVES = frozenset({"stages"})
"""Probes of what Prometheus reads at its source: for the page alone."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named by its class)
        """A line for each request is no use to anyone."""


def application(board: ProbeHistory) -> "WSGIApplication":
    """Both pages; anything else is not found."""
    registry = CollectorRegistry()
    registry.register(PrometheusReadings(lambda: board.readings(but=TOLD_BY_THEMSELVES)))
    ProcessCollector(registry=registry)
    metrics: WSGIApplication = make_wsgi_app(registry)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        if environ["PATH_INFO"] == "/recent":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [msgspec.json.encode(board.recent())]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics or /recent\n"]

    return answer


def server(settings: MetricsSettings, board: ProbeHistory) -> WSGIServer:
    """Listens already. Raises OSError if the port is taken."""
    return make_server(settings.host, settings.port, application(board), _Server, _Quiet)
