"""The figures of the page Health: what the monitor returns, served behind Airflow's login."""

from functools import cache

import httpx
from fastapi import APIRouter, HTTPException, Response

from streaming.settings import WatchSettings

TIMEOUT_S = 5.0

router = APIRouter()


@cache
def _client() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_S)


@router.get("/health/recent")
def recent() -> Response:
    """Returns the monitor's recent readings; raises HTTPException 503 while it does not answer."""
    try:
        response = _client().get(f"{WatchSettings().url}/recent").raise_for_status()
    except httpx.HTTPError as error:
        raise HTTPException(
            503, "The monitor does not answer: `./vitrine up watch`, `./vitrine logs watch`."
        ) from error
    return Response(response.content, media_type="application/json")
