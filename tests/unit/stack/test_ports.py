"""Whether a reply serves a stranger is read right, and listening ports of servers that are open or closed are
told apart."""

import json
import socket
import struct
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from stack.context import this_checkout
from stack.ports import attempts, command, listening, replies
from stack.service import StackContext

ID = struct.pack(">i", 0x56495452)
MONGO = struct.pack("<iiii", 100, 7, 0x56495452, 2013)


def http(status: int, *headers: str, body: str = "x") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *headers, "", body]).encode()


def stranger(kind: str) -> replies.Try:
    return next(one for one in replies.as_stranger("some", 1) if one.name == kind)


@pytest.mark.parametrize(
    ("kind", "reply", "served"),
    [
        ("HTTP", http(200), True),
        ("HTTP", http(404), True),
        ("HTTP", http(500), True),
        ("HTTP", http(302, "Location: http://127.0.0.1/elsewhere"), True),
        ("HTTP", http(401), False),
        ("HTTP", http(403), False),
        ("HTTP", http(301, "location: https://127.0.0.1:1/", body=""), False),
        ("HTTP", http(301, "location: https://127.0.0.1:1/", body="data"), True),
        ("HTTP", b"", False),
        ("Redis PING", b"+PONG\r\n", True),
        ("Redis PING", b"-ERR unknown\r\n", True),
        ("Redis PING", b"-NOAUTH Authentication required.\r\n", False),
        ("Redis PING", http(400), False),
        ("Kafka Metadata", b"\0\0\0\x10" + ID + b"\0\0\0\x01", True),
        ("Kafka Metadata", b"", False),
        ("MongoDB listDatabases", MONGO + b"databases", True),
        ("MongoDB listDatabases", MONGO + b"\x10code\x00\x0d\x00\x00\x00", False),
        ("HTTP/2", b"\0\0\x06\x04\0\0\0\0\0\0\x03\x7f\xff\xff\xff", True),
        ("HTTP/2", http(400), False),
    ],
)
def test_what_another_user_is_told(kind: str, reply: bytes, served: bool) -> None:
    assert stranger(kind).serves(reply) is served


@pytest.mark.parametrize(
    ("reply", "page", "rebound"),
    [
        (http(200), True, True),
        (http(400, "content-type: text/plain"), False, False),
        (http(403), False, False),
        (http(401, "Access-Control-Allow-Origin: *"), True, False),
        (http(401, "access-control-allow-origin: http://evil.example"), True, False),
        (http(401, "access-control-allow-origin: http://127.0.0.1:1"), False, False),
        (b"", False, False),
    ],
)
def test_what_a_page_of_another_origin_or_name_reads(reply: bytes, page: bool, rebound: bool) -> None:
    assert replies.from_page("some", 1)[0].serves(reply) is page
    assert replies.by_rebinding("some", 1)[0].serves(reply) is rebound


def test_requests_carry_the_name_and_origin_of_the_evil_page() -> None:
    assert b"\r\nHost: evil.example:7\r\n" in replies.by_rebinding("watch", 7)[0].sent
    assert b"\r\nOrigin: http://evil.example\r\n" in replies.from_page("watch", 7)[0].sent
    assert replies.as_stranger("watch", 7)[0].sent.startswith(
        b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:7\r\n"
    )


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A server that answers each connection by what it received first."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(answer(connection.recv(65_536)))

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def redis(received: bytes) -> bytes:
    return b"+PONG\r\n" if b"PING" in received else b""


def guarded(received: bytes) -> bytes:
    if b"evil" in received:
        return http(403)
    return http(401) if received.startswith(b"GET") else http(400)


def trusting(received: bytes) -> bytes:
    return http(200, "Access-Control-Allow-Origin: *") if received.startswith(b"GET") else b""


def test_open_and_closed_servers_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(redis) as open_redis, answering(guarded) as closed, answering(trusting) as trusts:
        found = {open_redis: "redis", closed: "airflow-api-server", trusts: "watch"}
        monkeypatch.setattr(listening, "ports", lambda place: found)
        monkeypatch.setattr(attempts, "STRANGER", "root")  # whoever runs this test may not change the user
        monkeypatch.setattr(attempts, "_become", lambda name: None)
        place = this_checkout()
        monkeypatch.setattr(command, "this_checkout", lambda: StackContext(**{**vars(place), "root": True}))
        assert command.run(Namespace(json=True)) == 1
        told = {
            one["port"]: (one["foreign_uid"], one["foreign_origin"], one["foreign_host"])
            for one in json.loads(capsys.readouterr().out)["ports"]
        }
        assert told == {
            open_redis: ("answered", "refused", "refused"),
            closed: ("refused", "refused", "refused"),
            trusts: ("answered", "answered", "answered"),
        }
        del found[open_redis], found[trusts]
        assert command.run(Namespace(json=False)) == 0
        monkeypatch.setattr(command, "this_checkout", lambda: StackContext(**{**vars(place), "root": False}))
        assert command.run(Namespace(json=False)) == 1, "what could not be tried is not refused"
