"""Pages that show single persons or exact figures about them: for the privileged role alone.

A user has this role if Airflow lets them see connections: with the one to MongoDB they could read the
sessions anyway. In Airflow's simple auth manager these are the roles op and admin; viewer and user get 403.
"""

import logging
import math
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_connection
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from msgspec import Struct

from ml.score import client
from streaming.data_folder.layout import TRUSTED
from streaming.settings import DataSettings, MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import StoreUnavailable
from vitrine_pages import PAGE_POLICY, ReportedModel, named, page

log = logging.getLogger(__name__)

_privileged = requires_access_connection("GET")
router = APIRouter(dependencies=[Depends(_privileged)])
FORM_POLICY = PAGE_POLICY.replace("form-action 'none'", "form-action 'self'")


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


async def sees_persons(request: Request, user: GetUserDep) -> bool:
    """True if the reader has the privileged role; for pages that everyone may open, but not see in full."""
    try:
        await _privileged(request, user)
    except HTTPException as refused:
        if refused.status_code != 403:
            raise
        return False
    return True


@router.get("/reports/{name}/exact")
def exact_figures(name: str) -> HTMLResponse:
    """Returns the metrics of a run's models on the run's test users, the non-private baseline included."""
    report = named(name)
    file = DataSettings().layout.trusted / report.name / TRUSTED
    if not file.is_file():
        raise HTTPException(404, "This run has no exact figures.")
    exact = msgspec.json.decode(file.read_bytes(), type=Exact)
    baseline = next((model.roc_auc for model in exact.models if model.epsilon is None), None)
    return page("exact.html", report=report, exact=exact, baseline=baseline)


@router.get("/why")
def why() -> HTMLResponse:
    """Returns the page on which a session and a model are chosen."""
    return _why()


@router.post("/why")
async def explained(request: Request, user: GetUserDep) -> HTMLResponse:
    """Returns why one stored session got its score. The id comes in the body, because URLs are logged."""
    form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
    session, chosen = form.get("session", "").strip(), form.get("model", "")
    run, _, model = chosen.partition("/")
    if model not in client.models(_models()).get(run, []):
        raise HTTPException(404, "There is no such model.")
    log.info("%s asked why a stored session got its score, by %s of %s", user.get_name(), model, run)
    try:
        return await run_in_threadpool(_explain, session, run, model)
    except (client.NotScored, StoreUnavailable) as error:
        return _why(session=session, chosen=chosen, problem=f"{error}.")


def _explain(session: str, run: str, model: str) -> HTMLResponse:
    stored = MongoSessions(MongoSettings()).find(session)
    if stored is None:
        raise client.NotScored("No such session is stored")
    answer = client.score_by_process(stored, run, model)
    [result] = answer["results"]
    if "rejected" in result:
        raise client.NotScored(f"The stored session breaks the contract: {result['rejected']}")
    average = 1 / (1 + math.exp(-result["base"]))
    return _why(
        session=session,
        chosen=f"{run}/{model}",
        result=result,
        average=average,
        statement=answer["statement"],
    )


def _why(**values: Any) -> HTMLResponse:
    empty = {"session": "", "chosen": "", "problem": "", "result": None, "average": None, "statement": None}
    response = page("why.html", runs=client.models(_models()), **empty | values)
    response.headers["Content-Security-Policy"] = FORM_POLICY
    return response


def _models() -> Path:
    return DataSettings().layout.models
