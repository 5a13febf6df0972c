"""The page 'Privacy budget': each block's budget, how much of it is spent, and by which runs; and whether the
privacy ledger is intact.

It reveals nothing about any user: a charge is computed before a row is read.
"""

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from ml.budget.condition import LedgerBroken
from ml.budget.mongo import stored_ledger
from ml.budget.overview import overview
from streaming.stores import StoreUnavailable
from vitrine_pages import page

router = APIRouter()


@router.get("/budget/condition")
def condition() -> dict[str, str]:
    """Returns the state of the privacy ledger, and if it is not intact, what to do; for the page Health.
    Raises HTTPException 503 while MongoDB is unavailable."""
    try:
        found = stored_ledger().condition()
    except StoreUnavailable as error:
        raise HTTPException(503, str(error)) from error
    return {"ledger": found.state, "told": "" if found.intact else found.told()}


@router.get("/budget")
def budget() -> HTMLResponse:
    """Returns the page; with status 503 while MongoDB is unavailable. If the ledger is not intact, it shows
    what to do instead."""
    try:
        seen = overview(stored_ledger().account())
    except LedgerBroken as broken:
        return page("budget.html", seen=None, problem="", broken=str(broken))
    except StoreUnavailable as error:
        response = page("budget.html", seen=None, problem=str(error), broken="")
        response.status_code = 503
        return response
    return page("budget.html", seen=seen, problem="", broken="")
