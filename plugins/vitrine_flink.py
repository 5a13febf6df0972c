"""Flink's own web page, behind Airflow's login: for op and admin, to look at only.

It is opened in a window of its own. In a frame, its scripts, which are Flink's, could reach into the Airflow
UI around them.
"""

from typing import Any

from airflow.api_fastapi.core_api.security import requires_access_connection
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from streaming.doors import flink_page
from streaming.doors.flink_page import Refused
from streaming.flink import answer
from streaming.flink.answer import FlinkUnavailable
from streaming.settings import FlinkRestSettings
from vitrine_doors import refuse_foreign_pages
from vitrine_pages import page

PATH = "/flink/"
RETRY_AFTER_S = 10
router = APIRouter(dependencies=[Depends(refuse_foreign_pages), Depends(requires_access_connection("GET"))])


@router.get(PATH + "{path:path}")
async def passed_on(path: str, request: Request) -> Response:
    """Returns what Flink answers, without its headers; 403 or 404 for what is not passed on, 503 while Flink
    is unavailable. No header of the request, and so neither cookie nor login, reaches Flink."""
    asked = flink_page.read(path, request.url.query)
    if isinstance(asked, Refused):
        return _problem(403 if asked.withheld else 404, asked.why)
    try:
        found = await answer.read(FlinkRestSettings(), asked.path, asked.query)
    except FlinkUnavailable as error:
        if path == "":
            return _page(error)
        return _problem(503, f"{error}.", {"Retry-After": str(RETRY_AFTER_S)})
    headers = {
        "Content-Security-Policy": flink_page.policy(
            request.headers.get("host", ""), request.scope.get("root_path", "").rstrip("/") + PATH
        ),
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if asked.unchanging and found.status == 200:
        headers["Cache-Control"] = "private, max-age=3600"
    return Response(found.body, found.status, headers, asked.media_type)


def _page(error: FlinkUnavailable) -> Response:
    response: Response = page("flink.html", problem=f"{error}.")
    response.status_code = 503
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _problem(status: int, why: str, headers: dict[str, Any] | None = None) -> JSONResponse:
    # Flink's page shows the first of `errors`.
    return JSONResponse({"detail": why, "errors": [why]}, status, headers)
