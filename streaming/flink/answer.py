"""Reads one answer of Flink's REST server, within bounds of time and size, for the page in the Airflow UI."""

import asyncio
import ssl
from dataclasses import dataclass

import httpx

from streaming.flink.cluster import trust
from streaming.settings import FlinkRestSettings
from streaming.stores import StoreUnavailable

LONGEST_S = 20.0
MOST_BYTES = 8 * 2**20
"""The largest file of Flink's page has 3 MB."""
AT_ONCE = 8
"""Further readers wait. It bounds what is asked of Flink at once, not what slow browsers still receive."""
_reading = asyncio.Semaphore(AT_ONCE)
# Those that ask for another login, and redirects.
_NO_ANSWERS = frozenset({401, 403, 407, *range(300, 400)})


class FlinkUnavailable(StoreUnavailable):
    """Flink does not answer, or not as it should."""


@dataclass(frozen=True)
class Answer:
    """Status and content; nothing of the headers."""

    status: int
    body: bytes


async def read(settings: FlinkRestSettings, path: str, query: str) -> Answer:
    """Returns Flink's answer to a GET, also one that says that it has failed. Raises FlinkUnavailable."""
    try:
        async with asyncio.timeout(LONGEST_S), _reading:
            # Loaded each time: a restart of Flink may have made a new certificate.
            certificates = await asyncio.to_thread(_trusted, settings)
            return await _read(settings.url, certificates, f"{path}?{query}" if query else path)
    except TimeoutError:
        raise FlinkUnavailable(f"Flink has not answered within {LONGEST_S:.0f} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise FlinkUnavailable(f"Flink does not answer ({type(error).__name__})") from error


def _trusted(settings: FlinkRestSettings) -> ssl.SSLContext:
    try:
        return trust(settings)
    except OSError as error:
        raise FlinkUnavailable(
            f"The certificate for Flink cannot be read ({type(error).__name__}); Flink's first start makes it"
        ) from error


async def _read(address: str, certificates: ssl.SSLContext, target: str) -> Answer:
    async with (
        httpx.AsyncClient(base_url=address, verify=certificates, timeout=LONGEST_S) as client,
        client.stream("GET", target, headers={"Accept-Encoding": "identity"}) as answer,
    ):
        if answer.status_code in _NO_ANSWERS:
            raise FlinkUnavailable(f"Flink answers with status {answer.status_code}, which it should not")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            # Two kilobytes may be gigabytes before their length is known.
            raise FlinkUnavailable("Flink's answer is compressed, which it should not be")
        body = bytearray()
        async for part in answer.aiter_raw():
            body += part
            if len(body) > MOST_BYTES:
                raise FlinkUnavailable(f"Flink's answer is longer than {MOST_BYTES // 2**20} MiB")
        return Answer(answer.status_code, bytes(body))
