"""Metrics are told to programs that ask by a known name, and to no web page."""

from collections.abc import Iterable
from typing import Any

import pytest

from streaming.metrics.door import guarded
from streaming.settings import MetricsSettings


def status(settings: MetricsSettings, **given: str) -> str:
    """The status of the answer to a request with these variables of WSGI."""
    told: list[str] = []

    def secret(environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [b"figures"]

    body = guarded(secret, settings)(dict(given), lambda code, headers: told.append(code))  # type: ignore[arg-type]
    assert (b"figures" in b"".join(body)) is (told == ["200 OK"])
    return told[0].split()[0]


@pytest.mark.parametrize("host", ["127.0.0.1:19401", "localhost", "LOCALHOST:19401", "[::1]:19401"])
def test_loopback_names_are_answered(host: str) -> None:
    assert status(MetricsSettings(), HTTP_HOST=host) == "200"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:19401", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example", "[::1"],
)
def test_other_names_are_refused(host: str) -> None:
    assert status(MetricsSettings(), HTTP_HOST=host) == "403"
    assert status(MetricsSettings(host="0.0.0.0"), HTTP_HOST=host) == "403"


def test_no_page_is_answered() -> None:
    for one in (
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
    ):
        assert status(MetricsSettings(), HTTP_HOST="127.0.0.1", **one) == "403"
    typed = {"HTTP_SEC_FETCH_SITE": "none"}  # in the address bar
    assert status(MetricsSettings(), HTTP_HOST="127.0.0.1", **typed) == "200"


def test_further_names_are_a_setting() -> None:
    settings = MetricsSettings(host="0.0.0.0", hosts="gate, store")
    assert status(settings, HTTP_HOST="gate:9400") == "200"
    assert status(settings, HTTP_HOST="index:9400") == "403"
    assert status(MetricsSettings(host="10.0.0.7"), HTTP_HOST="10.0.0.7:9400") == "200"
