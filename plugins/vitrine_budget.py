"""The page 'Privacy budget': what may be lost about a user, what has been, and by which runs.

It tells nothing of anyone: charges are known before a row is read.
"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from ml.budget.mongo import stored_ledger
from ml.budget.overview import overview
from streaming.stores import StoreUnavailable
from vitrine_pages import page

router = APIRouter()


@router.get("/budget")
def budget() -> HTMLResponse:
    """As it stands now; 503 while MongoDB is away."""
    try:
        seen = overview(stored_ledger().account())
    except StoreUnavailable as away:
        answer = page("budget.html", seen=None, problem=str(away))
        answer.status_code = 503
        return answer
    return page("budget.html", seen=seen, problem="")
