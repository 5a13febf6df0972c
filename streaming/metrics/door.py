"""The HTTP server of metrics. It answers no web page: neither one that had its own name taken for this
server's (DNS rebinding), which asks for that name, nor one of another origin."""

from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from streaming.doors import hosts
from streaming.settings import MetricsSettings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

FROM_A_PAGE_ELSEWHERE = frozenset({"cross-site", "same-site"})


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _WithoutLog(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (named by its class)
        """Logs nothing: nobody needs a line for each request."""


def guarded(application: "WSGIApplication", settings: MetricsSettings) -> "WSGIApplication":
    """Returns `application` with a door: what is not asked for by a name of `settings`, or comes from a web
    page, is answered 403 and reaches nothing."""
    names = frozenset(hosts.allowed(settings.hosts, [settings.host]))

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        from_a_page = "HTTP_ORIGIN" in environ or environ.get("HTTP_SEC_FETCH_SITE") in FROM_A_PAGE_ELSEWHERE
        if from_a_page or _name(environ.get("HTTP_HOST", "")) not in names:
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"not by this name (VITRINE_METRICS_HOSTS), and not from a web page\n"]
        return application(environ, start_response)

    return answer


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name


def server(settings: MetricsSettings, application: "WSGIApplication") -> WSGIServer:
    """Returns a server that already listens. Raises OSError if the port is taken."""
    return make_server(settings.host, settings.port, guarded(application, settings), _Server, _WithoutLog)
