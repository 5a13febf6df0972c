"""The page on which op and admin turn a label back into a pseudonym. Each look is recorded before it is
shown."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from urllib.parse import parse_qsl

from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_connection
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from streaming.access_record.file import stored_record
from streaming.access_record.label import Kind, kind_of, meant
from streaming.dashboards.figures import Figures
from streaming.settings import ElasticsearchSettings, MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from vitrine_doors import refuse_foreign_pages, whole_body
from vitrine_pages import FORM_POLICY, page
from vitrine_persons import who

LONGEST_BYTES = 2_048
MOST = 5
router = APIRouter(dependencies=[Depends(refuse_foreign_pages), Depends(requires_access_connection("GET"))])
_looking = threading.Lock()


@router.get("/label")
def ask() -> HTMLResponse:
    """Returns the page on which a label is entered."""
    return _page()


@router.post("/label")
async def answer(request: Request, user: GetUserDep) -> HTMLResponse:
    """Returns the pseudonyms that a label stands for. It comes in the body, because URLs are logged."""
    body = await whole_body(request.receive, LONGEST_BYTES)
    if body is None:
        raise HTTPException(413, f"More than {LONGEST_BYTES} bytes are no label.")
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=8))
    except ValueError:
        raise HTTPException(400, "The form must be UTF-8.") from None
    label, why = fields.get("label", "").strip(), fields.get("why", "").strip()
    kind = kind_of(label)
    if kind is None or not why:
        problem = "Enter a reason: it is recorded." if kind else "A label is user- or session- and 12 digits."
        return _page(label=label, reason=why, problem=problem)
    return await run_in_threadpool(_look_up, who(user), kind, label, why)


def _look_up(reader: str, kind: Kind, label: str, why: str) -> HTMLResponse:
    if not _looking.acquire(blocking=False):
        return _page(label=label, reason=why, problem="Another label is being looked up: try again.")
    try:
        record = stored_record()
        found = list(islice(meant(record.key(), label, _ids(kind), datetime.now(UTC)), MOST))
        about = {} if not found else {"users": found} if kind == "user" else {"sessions": found}
        record.add(reader, "look-up", label, why=why, **about)  # also a search without a result
    except StoreUnavailable as error:
        return _page(label=label, reason=why, problem=f"{error}.")
    finally:
        _looking.release()
    problem = "" if found else "Nobody has this label today, nor had it yesterday."
    return _page(label=label, reason=why, problem=problem, found=found)


def _ids(kind: Kind) -> Iterator[str]:
    if kind == "user":
        figures = Figures(ElasticsearchSettings())
        try:
            yield from figures.ids("userPseudonym")
        finally:
            figures.close()
    else:
        yield from MongoSessions(MongoSettings()).ids()


def _page(
    label: str = "", reason: str = "", problem: str = "", found: list[str] | None = None
) -> HTMLResponse:
    response = page("label.html", label=label, reason=reason, problem=problem, found=found or [])
    response.headers["Content-Security-Policy"] = FORM_POLICY
    return response
