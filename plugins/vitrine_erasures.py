"""The page on which op and admin ask for a person to be erased, and see what has become of it. The id is in
the body of a request, and becomes a pseudonym at once: nothing here keeps it, or shows it again."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_connection
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from msgspec import Struct

from streaming.access_record.file import stored_record
from streaming.person import erasures
from streaming.person.erasure_list import stored_list
from streaming.settings import MongoSettings, PseudonymSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from vitrine_doors import refuse_foreign_pages, whole_body
from vitrine_pages import FORM_POLICY, page
from vitrine_persons import who

LONGEST_BYTES = 2_048
MOST = 100
EVER_MS = 1 << 62
router = APIRouter(dependencies=[Depends(refuse_foreign_pages), Depends(requires_access_connection("GET"))])


class Row(Struct):
    """One request, without whose it is."""

    id: str
    state: str
    requested: str
    done: str


@router.get("/erasures")
def ask() -> HTMLResponse:
    """Returns the page: a form, and all requests."""
    return _page()


@router.post("/erasures")
async def answer(request: Request, user: GetUserDep) -> HTMLResponse:
    """Writes down that somebody is to be erased."""
    body = await whole_body(request.receive, LONGEST_BYTES)
    if body is None:
        raise HTTPException(413, f"More than {LONGEST_BYTES} bytes are no user id and reason.")
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=8))
    except ValueError:
        raise HTTPException(400, "The form must be UTF-8.") from None
    id_, why = fields.get("user", ""), fields.get("why", "").strip()
    if not id_ or not why:
        return _page(reason=why, problem="Enter the user id, and a reason: it is recorded.")
    return await run_in_threadpool(_request, who(user), id_, why)


def _request(reader: str, id_: str, why: str) -> HTMLResponse:
    """Records the request before it is made."""
    pseudonym = PseudonymSettings().pseudonyms.user(id_)
    try:
        if not MongoSessions(MongoSettings()).of_user(pseudonym, EVER_MS, 1):
            stored_record().add(reader, "look-up", "whether a user is known", why=why, users=[pseudonym])
            return _page(
                reason=why,
                problem="MongoDB has no session of this user id, and nothing was asked for. Enter it exactly "
                "as the shop sends it. If it is right, only rejected messages may be left: on the machine, "
                "./vitrine person erase looks for those too.",
            )
        stored_record().add(reader, "erasure", "asked for on the page", why=why, users=[pseudonym])
        made = stored_list().request(pseudonym)
    except StoreUnavailable as error:
        return _page(reason=why, problem=f"{error}.")
    return _page(made=made.id)


def _page(reason: str = "", problem: str = "", made: str = "") -> HTMLResponse:
    try:
        newest = sorted(stored_list().requests(), key=lambda one: one.requested_ms, reverse=True)[:MOST]
    except StoreUnavailable as error:
        newest, problem = [], problem or f"{error}."
    rows = [_row(one) for one in newest]
    response = page("erasures.html", rows=rows, reason=reason, problem=problem, made=made)
    response.headers["Content-Security-Policy"] = FORM_POLICY
    return response


def _row(one: erasures.Request) -> Row:
    return Row(one.id, one.state, _moment(one.requested_ms), _moment(one.done_ms) if one.done_ms else "")


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
