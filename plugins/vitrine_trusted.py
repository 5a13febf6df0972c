"""Pages that show single persons or exact figures about them: for the privileged role alone.

A user has this role if Airflow lets them see connections: with the one to MongoDB they could read the
sessions anyway. In Airflow's simple auth manager these are the roles op and admin; viewer and user get 403.
"""

import logging
import math
import threading
from pathlib import Path
from typing import Any

import msgspec
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_connection
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from msgspec import Struct

from ml.score import client
from ml.score.question import LONGEST_QUESTION_BYTES, NoQuestion, Question, question
from streaming.access_record.file import stored_record
from streaming.contract.visible import visible
from streaming.data_folder.layout import TRUSTED
from streaming.settings import DataSettings, MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from vitrine_doors import refuse_foreign_pages, whole_body
from vitrine_pages import FORM_POLICY, ReportedModel, named, page
from vitrine_persons import who

log = logging.getLogger(__name__)

_privileged = requires_access_connection("GET")
router = APIRouter(dependencies=[Depends(refuse_foreign_pages), Depends(_privileged)])
RETRY_AFTER_S = 10
NEWEST = 200
# An explanation takes a process of some 400 MB and several seconds.
_explaining = threading.Lock()


class ExactModel(ReportedModel, kw_only=True):
    """One line of a run's exact figures."""

    average_precision: float | None = None
    accuracy: float | None = None
    f1: float | None = None
    calibration_error: float | None = None


class Exact(Struct):
    """The content of `trusted/<name>/trusted.json` (written by ml.release)."""

    train_rows: int
    test_rows: int
    models: list[ExactModel]
    without_consent: int | None = None
    """How many were left out because their users have not agreed to training; None of an earlier release."""


@router.get("/accesses")
def accesses() -> HTMLResponse:
    """Returns the newest entries of the access record."""
    return page("accesses.html", entries=stored_record().newest(NEWEST), most=NEWEST)


@router.get("/reports/{name}/exact")
def exact_figures(name: str, user: GetUserDep) -> HTMLResponse:
    """Returns the metrics of a run's models on the run's test users, the non-private baseline included."""
    report = named(name)
    file = DataSettings().layout.trusted / report.name / TRUSTED
    if not file.is_file():
        raise HTTPException(404, "This run has no exact figures.")
    stored_record().add(who(user), "exact figures", report.name)
    exact = msgspec.json.decode(file.read_bytes(), type=Exact)
    baseline = next((model.roc_auc for model in exact.models if model.epsilon is None), None)
    return page("exact.html", report=report, exact=exact, baseline=baseline)


@router.get("/why")
def why() -> HTMLResponse:
    """Returns the page on which a session and a model are chosen."""
    return _why()


class Busy(Exception):
    """Another explanation is being made."""


@router.post("/why")
async def explained(request: Request, user: GetUserDep) -> HTMLResponse:
    """Returns why one stored session got its score. The id comes in the body, because URLs are logged."""
    body = await whole_body(request.receive, LONGEST_QUESTION_BYTES)
    if body is None:
        raise HTTPException(413, f"More than {LONGEST_QUESTION_BYTES} bytes are no question.")
    try:
        asked = question(request.headers.get("content-type", ""), body)
    except NoQuestion as error:
        raise HTTPException(400, f"{error}.") from None
    run, _, model = asked.model.partition("/")
    if model not in client.models(_models()).get(run, []):
        raise HTTPException(404, "There is no such model.")
    shown = {"session": asked.session, "chosen": asked.model, "reason": asked.why}
    try:
        return await run_in_threadpool(_explain, who(user), asked, run, model)
    except Busy:
        problem = "Another explanation is being made. Only one is at a time: ask again in some seconds."
        response = _why(problem=problem, **shown)
        response.status_code = 429
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response
    except (client.NotScored, StoreUnavailable) as error:
        return _why(problem=f"{error}.", **shown)


def _explain(reader: str, asked: Question, run: str, model: str) -> HTMLResponse:
    # Taken and given back in the same thread, which runs to its end though the client may go.
    if not _explaining.acquire(blocking=False):
        raise Busy
    try:
        log.info(
            "%s asks why a stored session got its score, by %s", visible(reader), visible(f"{model} of {run}")
        )
        stored_record().add(reader, "explanation", f"{model} of {run}", [asked.session], asked.why)
        stored = MongoSessions(MongoSettings()).find(asked.session)
        if stored is None:
            raise client.NotScored("No such session is stored")
        answer = client.score_by_process(stored, run, model)
    finally:
        _explaining.release()
    [result] = answer["results"]
    if "refused" in result:
        raise client.NotScored(f"No score is made: the user of this session has refused {result['refused']}")
    if "rejected" in result:
        raise client.NotScored(f"The stored session breaks the contract: {result['rejected']}")
    average = 1 / (1 + math.exp(-result["base"]))
    return _why(
        session=asked.session,
        chosen=asked.model,
        reason=asked.why,
        result=result,
        average=average,
        statement=answer["statement"],
    )


def _why(**values: Any) -> HTMLResponse:
    texts = dict.fromkeys(("session", "chosen", "reason", "problem"), "")
    empty = texts | {"result": None, "average": None, "statement": None}
    response = page("why.html", runs=client.models(_models()), **empty | values)
    response.headers["Content-Security-Policy"] = FORM_POLICY
    return response


def _models() -> Path:
    return DataSettings().layout.models
