"""The monitor's HTTP server: /metrics for Prometheus, /recent for the page Health."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIServer

import msgspec
from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from streaming.metrics import door
from streaming.metrics.prometheus import PrometheusReadings
from streaming.monitor.probe_history import ProbeHistory
from streaming.settings import MetricsSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

ONLY_FOR_THE_PAGE = frozenset({"stages"})
"""Probes whose metrics Prometheus reads from the stages themselves: not in /metrics, only on the page."""


def application(history: ProbeHistory) -> "WSGIApplication":
    """Returns the application with both paths; other paths return 404."""
    registry = CollectorRegistry()
    registry.register(PrometheusReadings(lambda: history.readings(but=ONLY_FOR_THE_PAGE)))
    ProcessCollector(registry=registry)
    metrics: WSGIApplication = make_wsgi_app(registry)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return metrics(environ, start_response)
        if environ["PATH_INFO"] == "/recent":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [msgspec.json.encode(history.recent())]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics or /recent\n"]

    return answer


def server(settings: MetricsSettings, history: ProbeHistory) -> WSGIServer:
    """Returns a server that already listens. Raises OSError if the port is taken."""
    return door.server(settings, application(history))
