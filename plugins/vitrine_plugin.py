"""Vitrine's pages in the Airflow UI: reports, the two dashboards over Elasticsearch, health, and the budget.

Everything is behind Airflow's login. A page is a frame within the UI, of the same origin, so what the models'
reports hold is served sandboxed: it could otherwise act with the reader's session.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from airflow.api_fastapi.core_api.security import get_user
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

import vitrine_budget
import vitrine_health
import vitrine_trusted
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
}


@cache
def figures() -> Figures:
    """The connection to Elasticsearch, made once."""
    return Figures(ElasticsearchSettings())


@cache
def dashboards() -> dict[str, Dashboard]:
    """By name, read once."""
    return source.load_all(DASHBOARDS)


_bundling = threading.Lock()


@cache
def _vega() -> bytes:
    # In a process of its own: the package carries a whole JavaScript engine, which this server need not keep.
    program = f"import vl_convert; print(vl_convert.javascript_bundle(vl_version={VEGA_LITE_VERSION!r}))"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, timeout=60).stdout


def vega() -> bytes:
    """Vega, Vega-Lite and Vega-Embed as one script, out of the pinned package."""
    with _bundling:
        return _vega()


# No documentation pages: those would be open to anyone.
app = FastAPI(
    title="Vitrine", dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None
)


@app.middleware("http")
async def keep_private(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Nothing is cached by what stands between, nothing is guessed to be another type."""
    response = await answer(request)
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@app.exception_handler(FiguresUnavailable)
def without_figures(_: Request, error: FiguresUnavailable) -> JSONResponse:
    """503, and why: the pages show it and ask again."""
    return JSONResponse({"detail": str(error)}, status_code=503)


@app.get("/static/{name}")
def static(name: str) -> Response:
    """The pages' own styles and scripts."""
    if name == "vega.js":
        return Response(
            vega(), media_type="text/javascript", headers={"Cache-Control": "private, max-age=3600"}
        )
    if name not in STATIC:
        raise HTTPException(404)
    return Response((HERE / "static" / name).read_bytes(), media_type=STATIC[name])


@app.get("/reports")
def list_reports() -> HTMLResponse:
    """The page 'Reports'."""
    return page("reports.html", reports=reports())


@app.get("/reports/{name}")
def show_report(name: str) -> HTMLResponse:
    """One report under its title."""
    return page("report.html", report=named(name))


@app.get("/reports/{name}/document")
def report_document(name: str) -> HTMLResponse:
    """The report itself, for a frame."""
    document = DataSettings().layout.reports / f"{named(name).name}.html"
    return HTMLResponse(document.read_bytes(), headers={"Content-Security-Policy": REPORT_POLICY})


@app.get("/run-report")
def run_report(run_id: str) -> HTMLResponse:
    """The tab on a DAG run: the report that this run wrote, or that was written of its models."""
    of_run = [
        report for report in reports() if run_id in (report.model_run_id, report.report_run_id, report.name)
    ]
    return page("run_report.html", reports=of_run)


app.include_router(vitrine_budget.router)
app.include_router(vitrine_health.router)
app.include_router(vitrine_trusted.router)


@app.get("/health")
def show_health() -> HTMLResponse:
    """The page 'Health'; its script asks for what the watch saw."""
    return page("health.html")


def _dashboard(name: str, persons: Annotated[bool, Depends(vitrine_trusted.sees_persons)]) -> Dashboard:
    """The dashboard with the panels that the reader may see."""
    try:
        dashboard = dashboards()[name]
    except KeyError:
        raise HTTPException(404, "There is no such dashboard.") from None
    return dashboard if persons else source.for_everyone(dashboard)


Shown = Annotated[Dashboard, Depends(_dashboard)]


@app.get("/dashboards/{name}")
def show_dashboard(dashboard: Shown) -> HTMLResponse:
    """The page of a dashboard; its script asks for source and figures."""
    return page("dashboard.html", dashboard=dashboard)


@app.get("/dashboards/{name}/source")
def dashboard_source(dashboard: Shown) -> Response:
    """The panels as the script draws them."""
    return Response(msgspec.json.encode(dashboard), media_type="application/json")


@app.get("/dashboards/{name}/figures")
def dashboard_figures(
    dashboard: Shown, span: Annotated[Range, Query(alias="range")] = "24h", feed: str | None = None
) -> Response:
    """The live figures of every panel, and which feeds there are; 503 while Elasticsearch is away."""
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
        "panels": figures().of(dashboard, times, feed or None),
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
    """Five entries in the menu and a tab on each run."""

    name = "vitrine"
    fastapi_apps = [{"app": app, "url_prefix": PREFIX, "name": "Vitrine"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        _in_menu("Health", "health", "health"),
        _in_menu("Reports", "reports", "reports"),
        _in_menu("Privacy budget", "budget", "budget"),
        _in_menu("User Analysis", "dashboards/user_analysis", "users"),
        _in_menu("Session Analysis", "dashboards/session_analysis", "sessions"),
        {
            "name": "Report",
            "href": f"{PREFIX}/run-report?run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "vitrine_run_report",
        },
    ]
