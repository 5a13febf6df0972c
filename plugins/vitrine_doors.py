"""The doors in front of all of Airflow, its own pages and API included: Airflow runs every request through
these middlewares.

Airflow adds its own later, around these: what they answer by themselves (an internal error) has no headers
of ours.
"""

import json
import math
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_cookie_path
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.configuration import conf
from fastapi import HTTPException, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streaming.doors import hosts, login
from streaming.doors.settings import DoorSettings
from streaming.doors.throttle import Throttle

# What Airflow's interface needs: styles that its scripts write, images and fonts within them, and workers
# (graph layout, editor) whose few first lines are a blob. No script from elsewhere, none within a page.
SHELL_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-src 'self'; "
    "frame-ancestors 'self'; base-uri 'self'; form-action 'self'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}
LOGINS = ("/auth/token", "/auth/token/cli")
LOGIN_MAX_BYTES = 4_096


def _path(scope: Scope) -> str:
    """The path below that of `[api] base_url`."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "").rstrip("/"))


class SafeHeaders:
    """Sets the headers by which a browser protects a page; a page that has a policy of its own keeps it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", SHELL_POLICY)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, with_headers)


class NoDocumentation:
    """Answers 404 where FastAPI serves an application's documentation: to everyone, with scripts of another
    server, next to the reader's session.

    `[api] enable_swagger_ui` turns off two of these pages. Those of the auth manager, of the execution API,
    and all openapi.json have no setting."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._paths: frozenset[str] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._paths is None:
                self._paths = frozenset(documentation(scope["app"]))
            if _path(scope).rstrip("/") in self._paths:
                await JSONResponse({"detail": "Not Found"}, 404)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class NoServiceWorkers:
    """Answers 403 to a browser that fetches a script to keep as a service worker. Neither Airflow nor Flink's
    page has one; it would answer for the server from then on, without a policy, with the reader's session."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "service-worker" in Headers(scope=scope):
            await JSONResponse({"detail": "This server has no service worker."}, 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def documentation(app: Any, below: str = "") -> Iterator[str]:
    """Yields the paths at which `app` and the applications mounted in it would document themselves."""
    kinds = ("docs_url", "redoc_url", "openapi_url", "changelog_url", "swagger_ui_oauth2_redirect_url")
    # Also those that are turned off: no other page has these paths.
    usual = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
    yield from (below + path for path in {*usual, *(getattr(app, kind, None) for kind in kinds)} if path)
    for route in getattr(app, "routes", ()):
        if isinstance(route, Mount):
            yield from documentation(route.app, below + route.path)


class Logins:
    """Slows down wrong logins, and gives the browser its session in a cookie that scripts cannot read.

    Airflow's login page writes the cookie by a script. A cookie of the same name that the answer has set
    before, HttpOnly, is one that this script cannot replace, and with which Airflow works as well."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.throttle = Throttle()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or _path(scope).rstrip("/") not in LOGINS:
            await self.app(scope, receive, send)
            return
        body = await whole_body(receive, LOGIN_MAX_BYTES)
        if body is None:
            refusal: Response = JSONResponse({"detail": "This is no login: it is too long."}, 413)
            await refusal(scope, receive, send)
            return
        users = login.users(body)
        wait_s = math.ceil(self.throttle.admit(users, time.monotonic()))
        if wait_s:
            refusal = JSONResponse(
                {"detail": f"Too many wrong logins. Try again in {wait_s} s."},
                429,
                {"Retry-After": str(wait_s)},
            )
            await refusal(scope, receive, send)
            return
        await self._passed_on(scope, body, users, send)

    async def _passed_on(self, scope: Scope, body: bytes, users: tuple[str, ...], send: Send) -> None:
        messages: list[Message] = []

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)

        await self.app(scope, again, keep)
        started = next((message for message in messages if message["type"] == "http.response.start"), None)
        if started is not None and started["status"] == 201:
            self.throttle.succeeded(users)
            if _same_origin(scope):
                content = b"".join(message.get("body", b"") for message in messages)
                cookie = _cookie(json.loads(content)["access_token"], scope["scheme"] == "https")
                MutableHeaders(scope=started).append("Set-Cookie", cookie)
        for message in messages:
            await send(message)


def _same_origin(scope: Scope) -> bool:
    """True if a page of ours sent the request. A page of another server may post a login, its own user's,
    and must not change who the browser is here."""
    headers = Headers(scope=scope)
    return bool(host := headers.get("host")) and urlsplit(headers.get("origin", "")).netloc == host


def refuse_foreign_pages(request: Request) -> None:
    """Raises HTTPException 403 if a page of another server sent the request: one on another port of this
    machine is of the same site, so that the browser sends the reader's session along. For a router's
    dependencies."""
    headers = request.headers
    # A picture, say, is asked for without an origin. Whoever follows a link asks for a document.
    embedded = headers.get("sec-fetch-dest", "document") != "document"
    foreign = headers.get("sec-fetch-site") in ("same-site", "cross-site") and embedded
    if foreign or ("origin" in headers and not _same_origin(request.scope)):
        raise HTTPException(403, "Only a page of this server may ask this.")


def _cookie(token: str, secure: bool) -> str:
    """The session as a header's value, otherwise like the cookie of Airflow's login page."""
    response = Response()
    response.set_cookie(
        COOKIE_NAME_JWT_TOKEN, token, path=get_cookie_path(), secure=secure, httponly=True, samesite="lax"
    )
    return str(response.headers["set-cookie"])


async def whole_body(receive: Receive, most_bytes: int) -> bytes | None:
    """Returns the body of a request, or None once it is longer than `most_bytes`: the rest is not read."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return body  # the client has gone
        body += bytes(message.get("body", b""))
        if len(body) > most_bytes:
            return None
        if not message.get("more_body", False):
            return body


def allowed_hosts() -> list[str]:
    """Returns the names under which Airflow answers, by its own settings and ours."""
    own = (conf.get("api", "host", fallback=""), urlsplit(conf.get("api", "base_url", fallback="")).hostname)
    return hosts.allowed(DoorSettings().hosts, (name or "" for name in own))


# The last is the outermost: it sees a request first and an answer last.
MIDDLEWARES: list[dict[str, Any]] = [
    {"name": "Logins", "middleware": Logins, "args": [], "kwargs": {}},
    {"name": "No service workers", "middleware": NoServiceWorkers, "args": [], "kwargs": {}},
    {"name": "No documentation pages", "middleware": NoDocumentation, "args": [], "kwargs": {}},
    {
        "name": "Hosts",
        "middleware": TrustedHostMiddleware,
        "args": [],
        "kwargs": {"allowed_hosts": allowed_hosts(), "www_redirect": False},
    },
    {"name": "Safe headers", "middleware": SafeHeaders, "args": [], "kwargs": {}},
]
