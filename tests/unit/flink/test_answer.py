"""An answer of Flink is read within bounds, by a server on this machine that answers well or badly."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from stack import certificates
from stack.identity import Identity
from streaming.flink import answer
from streaming.flink.answer import Answer, FlinkUnavailable
from streaming.settings import FlinkRestSettings

Reply = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(reply: Reply, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server that answers every GET with `reply`; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
        server.shutdown()


def says(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def asked(settings: FlinkRestSettings, path: str = "/overview", query: str = "") -> Answer:
    return asyncio.run(answer.read(settings, path, query))


@pytest.mark.parametrize("status", [200, 202, 404, 500, 503])
def test_flinks_own_answers_are_returned(status: int) -> None:
    with serving(says(status, b'{"errors": []}')) as url:
        assert asked(FlinkRestSettings(url=url)) == Answer(status, b'{"errors": []}')


def test_a_compressed_answer_is_not_unpacked() -> None:
    reply = says(200, b"", **{"Content-Encoding": "gzip"})
    with serving(reply) as url, pytest.raises(FlinkUnavailable, match="compressed"):
        asked(FlinkRestSettings(url=url))


@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 407])
def test_a_redirect_is_not_followed_and_a_demanded_login_is_no_answer(status: int) -> None:
    reply = says(status, Location="http://127.0.0.1:1/")
    with serving(reply) as url, pytest.raises(FlinkUnavailable, match=str(status)):
        asked(FlinkRestSettings(url=url))


def test_path_and_query_arrive_below_the_path_of_the_address() -> None:
    lines: list[str] = []

    def reply(handler: BaseHTTPRequestHandler) -> None:
        lines.append(handler.requestline)
        says(200)(handler)

    with serving(reply) as url:
        asked(FlinkRestSettings(url=f"{url}/flink"), "/jobmanager/metrics", "get=a%2Cb%5B1%5D")
        asked(FlinkRestSettings(url=url), "/")
    assert lines == ["GET /flink/jobmanager/metrics?get=a%2Cb%5B1%5D HTTP/1.1", "GET / HTTP/1.1"]


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "MOST_BYTES", 100_000)
    sent = threading.Event()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            sent.set()

    with serving(reply) as url:
        with pytest.raises(FlinkUnavailable, match="longer than"):
            asked(FlinkRestSettings(url=url))
        assert sent.wait(60)


def test_an_answer_that_drips_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "LONGEST_S", 2.0)

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while True:
                handler.wfile.write(b"x")
                time.sleep(0.05)

    with serving(reply) as url, pytest.raises(FlinkUnavailable, match="within"):
        asked(FlinkRestSettings(url=url))


def test_so_many_are_read_at_once_and_the_others_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "_reading", asyncio.Semaphore(2))
    counting, now, most = threading.Lock(), [0], [0]
    go = threading.Event()

    def reply(handler: BaseHTTPRequestHandler) -> None:
        with counting:
            now[0] += 1
            most[0] = max(most[0], now[0])
            if now[0] == 2:
                go.set()
        go.wait(60)
        with counting:
            now[0] -= 1
        says(200)(handler)

    async def six(url: str) -> list[Answer]:
        settings = FlinkRestSettings(url=url)
        return await asyncio.gather(*(answer.read(settings, "/overview", "") for _ in range(6)))

    with serving(reply) as url:
        assert len(asyncio.run(six(url))) == 6
    assert most == [2]


def test_a_flink_that_is_not_there_is_said_to_be_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    for url in (f"http://{closed}", f"https://{closed}", "no address"):
        with pytest.raises(FlinkUnavailable, match="does not answer"):
            asked(FlinkRestSettings(url=url))
    none = tmp_path / "none.pem"
    for settings in (
        FlinkRestSettings(url=f"https://{closed}", ca_file=none),
        FlinkRestSettings(url=f"https://{closed}", certificate_file=none, key_file=none),
    ):
        with pytest.raises(FlinkUnavailable, match="certificate for Flink cannot be read"):
            asked(settings)


def test_the_client_certificate_is_shown_and_the_servers_is_verified(tmp_path: Path) -> None:
    ours, other = Identity(tmp_path / "ours"), Identity(tmp_path / "other")
    for identity in (ours, other):
        certificates.ensure(identity, {"127.0.0.1"})
    demanding = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    demanding.load_cert_chain(ours.certificate, ours.key)
    demanding.load_verify_locations(ours.certificate)
    demanding.verify_mode = ssl.CERT_REQUIRED

    def settings(url: str, server: Identity, client: Identity) -> FlinkRestSettings:
        return FlinkRestSettings(
            url=url,
            ca_file=server.certificate,
            certificate_file=client.certificate,
            key_file=client.key,
        )

    with serving(says(200), demanding) as url:
        assert asked(settings(url, ours, ours)).status == 200
        for server, client in ((other, ours), (ours, other)):
            with pytest.raises(FlinkUnavailable):
                asked(settings(url, server, client))
