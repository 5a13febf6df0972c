"""What the page Health draws: the watch's answer, handed on behind Airflow's login."""

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
    """What the watch saw in the last while; 503 while it does not answer."""
    try:
        answer = _client().get(f"{WatchSettings().url}/recent").raise_for_status()
    except httpx.HTTPError as error:
        raise HTTPException(
            503, "The watch does not answer: `./vitrine up watch`, `./vitrine logs watch`."
        ) from error
    return Response(answer.content, media_type="application/json")
