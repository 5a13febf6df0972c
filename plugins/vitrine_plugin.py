"""Vitrine's pages in the Airflow UI: reports, the two dashboards over Elasticsearch, health, the budget,
retention, and Flink's own page.

Everything is behind Airflow's login. A page is a frame within the UI, of the same origin. The models' reports
are therefore served in a sandbox: their scripts could otherwise act with the reader's session.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import msgspec
from airflow.api_fastapi.app import get_cookie_path
from airflow.api_fastapi.core_api.security import GetUserDep, get_user
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

import vitrine_budget
import vitrine_doors
import vitrine_erasures
import vitrine_flink
import vitrine_health
import vitrine_labels
import vitrine_persons
import vitrine_retention
import vitrine_trusted
from streaming.access_record.file import NotRecorded
from streaming.contract.time_units import HOUR_MS
from streaming.dashboards import source
from streaming.dashboards.figures import Figures, FiguresUnavailable
from streaming.dashboards.query import TimeRange
from streaming.dashboards.source import Dashboard
from streaming.settings import DataSettings, ElasticsearchSettings
from vitrine_pages import HERE, PREFIX, named, page, reports

DASHBOARDS = HERE.parent / "dashboards"
VEGA_LITE_VERSION = "6.4"

RANGES_MS = {"1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 7 * 24 * HOUR_MS, "30d": 30 * 24 * HOUR_MS}
Range = Literal["1h", "24h", "7d", "30d", "all"]
FEED_LENGTH = 128
"""As in the event contract."""

REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; frame-ancestors 'self'"
)
STATIC = {
    "page.css": "text/css",
    "theme.js": "text/javascript",
    "look.js": "text/javascript",
    "dashboard.js": "text/javascript",
    "health.js": "text/javascript",
    "reports.svg": "image/svg+xml",
    "users.svg": "image/svg+xml",
    "sessions.svg": "image/svg+xml",
    "health.svg": "image/svg+xml",
    "budget.svg": "image/svg+xml",
    "retention.svg": "image/svg+xml",
}


@cache
def figures() -> Figures:
    """Returns the connection to Elasticsearch, made once."""
    return Figures(ElasticsearchSettings())


@cache
def dashboards() -> dict[str, Dashboard]:
    """Returns the dashboards by name, read once."""
    return source.load_all(DASHBOARDS)


_bundling = threading.Lock()


@cache
def _vega() -> bytes:
    # In a separate process: the package contains a JavaScript engine, which would stay in this server's
    # memory.
    program = f"import vl_convert; print(vl_convert.javascript_bundle(vl_version={VEGA_LITE_VERSION!r}))"
    script = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60)
    # The bundle has lost the notices that the licences ask for.
    return b"/*!\n" + (HERE / "static" / "vega-licence.txt").read_bytes() + b"*/\n" + script.stdout


def vega() -> bytes:
    """Returns Vega, Vega-Lite and Vega-Embed as one script, from the pinned package."""
    with _bundling:
        return _vega()


# No documentation pages: FastAPI serves them without a login.
app = FastAPI(
    title="Vitrine", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None
)


@app.middleware("http")
async def keep_private(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Forbids proxies to cache a response, and browsers to guess its type."""
    response = await call_next(request)
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@app.exception_handler(FiguresUnavailable)
def without_figures(_: Request, error: FiguresUnavailable) -> JSONResponse:
    """Returns 503 with the reason; the pages show it and try again."""
    return JSONResponse({"detail": str(error)}, status_code=503)


@app.exception_handler(NotRecorded)
def without_record(_: Request, error: NotRecorded) -> JSONResponse:
    """Returns 503: what cannot be recorded is not shown."""
    return JSONResponse({"detail": f"{error}."}, status_code=503)


@app.exception_handler(401)
async def to_login(request: Request, error: HTTPException) -> Response:
    """Leads a browser that opens a page without a login to the login, and then back. All else gets 401."""
    if request.headers.get("sec-fetch-dest") != "document":
        return await http_exception_handler(request, error)
    asked = urlencode({"next": f"{request.url.path}?{request.url.query}".removesuffix("?")})
    return RedirectResponse(f"{get_cookie_path().rstrip('/')}/api/v2/auth/login?{asked}", 303)


@app.get("/static/{name}")
def static(name: str) -> Response:
    """Returns a style sheet, script or icon of the pages."""
    if name == "vega.js":
        return Response(
            vega(), media_type="text/javascript", headers={"Cache-Control": "private, max-age=3600"}
        )
    if name not in STATIC:
        raise HTTPException(404)
    return Response((HERE / "static" / name).read_bytes(), media_type=STATIC[name])


@app.get("/reports")
def list_reports() -> HTMLResponse:
    """Returns the page 'Reports'."""
    return page("reports.html", reports=reports())


@app.get("/reports/{name}")
def show_report(name: str) -> HTMLResponse:
    """Returns the page of one report: its title, and the report in a frame."""
    return page("report.html", report=named(name))


@app.get("/reports/{name}/document")
def report_document(name: str) -> HTMLResponse:
    """Returns the report itself, for the frame."""
    document = DataSettings().layout.reports / f"{named(name).name}.html"
    return HTMLResponse(document.read_bytes(), headers={"Content-Security-Policy": REPORT_POLICY})


@app.get("/run-report")
def run_report(run_id: str) -> HTMLResponse:
    """Returns the tab on a DAG run: the report that this run wrote, or the report on the models it
    trained."""
    of_run = [
        report for report in reports() if run_id in (report.model_run_id, report.report_run_id, report.name)
    ]
    return page("run_report.html", reports=of_run)


app.include_router(vitrine_budget.router)
app.include_router(vitrine_flink.router)
app.include_router(vitrine_retention.router)
app.include_router(vitrine_health.router)
app.include_router(vitrine_trusted.router)
app.include_router(vitrine_labels.router)
app.include_router(vitrine_erasures.router)


@app.get("/health")
def show_health() -> HTMLResponse:
    """Returns the page 'Health'; its script requests the monitor's readings."""
    return page("health.html")


def _dashboard(name: str, persons: Annotated[bool, Depends(vitrine_persons.sees_labels)]) -> Dashboard:
    """Returns the dashboard with the panels that the reader may see."""
    try:
        dashboard = dashboards()[name]
    except KeyError:
        raise HTTPException(404, "There is no such dashboard.") from None
    return dashboard if persons else source.for_everyone(dashboard)


Shown = Annotated[Dashboard, Depends(_dashboard)]


@app.get("/dashboards/{name}")
def show_dashboard(dashboard: Shown) -> HTMLResponse:
    """Returns the page of a dashboard; its script requests source and figures."""
    return page("dashboard.html", dashboard=dashboard)


@app.get("/dashboards/{name}/source")
def dashboard_source(dashboard: Shown) -> Response:
    """Returns the dashboard's declaration, from which the script draws the panels."""
    return Response(msgspec.json.encode(dashboard), media_type="application/json")


@app.get("/dashboards/{name}/figures")
def dashboard_figures(
    dashboard: Shown,
    user: GetUserDep,
    span: Annotated[Range, Query(alias="range")] = "24h",
    feed: Annotated[str | None, Query(max_length=FEED_LENGTH)] = None,
) -> Response:
    """Returns the current figures of every panel, and the names of all feeds; 503 while Elasticsearch is
    unavailable."""
    holdings, now_ms = figures().holdings(), int(time.time() * 1000)
    if span == "all":
        times = holdings.times or TimeRange(now_ms - HOUR_MS, now_ms)
    else:
        times = TimeRange(now_ms - RANGES_MS[span], now_ms)
    answer = {
        "askedAtMs": now_ms,
        "fromMs": times.from_ms,
        "toMs": times.to_ms,
        "feeds": holdings.feeds,
        "anySessions": holdings.times is not None,
        "panels": vitrine_persons.with_labels(
            dashboard, figures().of(dashboard, times, feed or None), vitrine_persons.who(user)
        ),
    }
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _in_menu(name: str, path: str, symbol: str) -> dict[str, Any]:
    icon = f"{PREFIX}/static/{symbol}.svg"
    return {
        "name": name,
        "href": f"{PREFIX}/{path}",
        "destination": "nav",
        "url_route": f"vitrine_{symbol}",
        "nav_top_level": True,
        "icon": icon,
        "icon_dark_mode": icon,
    }


class VitrinePlugin(AirflowPlugin):
    """Six entries in the menu, one in its part *Browse*, and a tab on each DAG run."""

    name = "vitrine"
    fastapi_apps = [{"app": app, "url_prefix": PREFIX, "name": "Vitrine"}]  # noqa: RUF012
    fastapi_root_middlewares = vitrine_doors.MIDDLEWARES
    external_views = [  # noqa: RUF012
        _in_menu("Health", "health", "health"),
        _in_menu("Reports", "reports", "reports"),
        _in_menu("Privacy budget", "budget", "budget"),
        _in_menu("Retention", "retention", "retention"),
        _in_menu("User Analysis", "dashboards/user_analysis", "users"),
        _in_menu("Session Analysis", "dashboards/session_analysis", "sessions"),
        # Without a route, Airflow opens it in a window of its own, which cannot reach the one it came from.
        # In the menu itself that would be a button that does nothing.
        {"name": "Flink", "href": f"{PREFIX}/flink/", "destination": "nav", "category": "browse"},
        {
            "name": "Report",
            "href": f"{PREFIX}/run-report?run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "vitrine_run_report",
        },
    ]
