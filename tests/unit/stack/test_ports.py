"""Whether a reply serves a stranger is read right, and listening ports of servers that are open or closed are
told apart."""

import json
import os
import pwd
import socket
import struct
import subprocess
import sys
import threading
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stack.context import this_checkout
from stack.ports import attempts, command, listening, outcome, replies, stranger
from stack.ports.listening import Address
from stack.service import StackContext, StackError

ID = struct.pack(">i", 0x56495452)
MONGO = struct.pack("<iiii", 100, 7, 0x56495452, 2013)


def http(status: int, *headers: str, body: str = "x") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *headers, "", body]).encode()


def foreign(kind: str) -> replies.Try:
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
    assert foreign(kind).serves(reply) is served


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
def answering(answer: Callable[[bytes], bytes], host: str = "127.0.0.1") -> Iterator[Address]:
    """A server that answers each connection by what it received first."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(answer(connection.recv(65_536)))

        threading.Thread(target=serve, daemon=True).start()
        yield Address(*server.getsockname()[:2])


def redis(received: bytes) -> bytes:
    return b"+PONG\r\n" if b"PING" in received else b""


def guarded(received: bytes) -> bytes:
    if b"evil" in received:
        return http(403)
    return http(401) if received.startswith((b"GET", b"POST")) else http(400)


def trusting(received: bytes) -> bytes:
    return http(200, "Access-Control-Allow-Origin: *") if received.startswith(b"GET") else b""


def test_open_and_closed_servers_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(redis) as open_redis, answering(guarded) as closed, answering(trusting) as trusts:
        found = {open_redis: "redis", closed: "airflow-api-server", trusts: "watch"}
        monkeypatch.setattr(listening, "ports", lambda place: found)
        myself = pwd.getpwuid(os.geteuid()).pw_name  # who runs this test may not be able to become another
        monkeypatch.setattr(stranger, "STRANGER", myself)
        place = this_checkout()
        monkeypatch.setattr(command, "this_checkout", lambda: StackContext(**{**vars(place), "root": True}))
        assert command.run(Namespace(json=True)) == 1
        told = {
            Address(one["address"], one["port"]): (
                one["foreign_uid"],
                one["foreign_origin"],
                one["foreign_host"],
            )
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


def http_of_others(address: Address, service: str = "watch") -> str | None:
    return attempts.served(address, replies.as_stranger(service, address.port))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of these tests say nothing at all, however long one waits."""
    monkeypatch.setattr(attempts, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(attempts, "OWN_TIMEOUT_S", 0.2)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("service", ["watch", "redis", "kafka", "mongodb", "flink-taskmanager"])
def test_a_server_that_says_nothing_is_not_closed(service: str) -> None:
    """It may be paused or overloaded, and serve later. The kernel accepts for it."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        assert http_of_others(Address(*server.getsockname()), service) is None


@pytest.mark.usefixtures("short")
def test_nor_to_a_page_if_it_serves_pages() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        address = Address(*server.getsockname())
        for kind in (replies.from_page, replies.by_rebinding):
            assert attempts.served(address, kind("watch", address.port)) is None
            assert attempts.served(address, kind("redis", address.port)) == outcome.NONE_SERVED


def test_silence_in_other_protocols_and_in_tls_says_nothing() -> None:
    asked = replies.as_stranger("watch", 1)
    heard = [
        (one, outcome.Heard(http(403)) if one.own and not one.tls else outcome.Heard(silent=True))
        for one in asked
    ]
    assert outcome.outcome(heard) == outcome.NONE_SERVED
    one_path_silent = [(heard[0][0], outcome.Heard(silent=True)), *heard[1:]]
    assert outcome.outcome(one_path_silent) is None


def test_nobody_listening_is_refused_without_waiting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address(*server.getsockname())
    assert http_of_others(address) == outcome.NONE_SERVED


@pytest.mark.parametrize("host", ["127.0.0.2", "::1"])
def test_a_server_is_tried_where_it_listens(host: str) -> None:
    try:
        with answering(trusting, host) as address:
            assert http_of_others(address) == "HTTP"
    except OSError:
        if ":" not in host:
            raise
        pytest.skip("this machine has no IPv6")


@pytest.mark.parametrize(
    ("host", "tried"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.0.0.2", ["127.0.0.2"]),
        ("0.0.0.0", ["127.0.0.1"]),
        ("::", ["::1", "127.0.0.1"]),
        ("::1", ["::1"]),
        ("::ffff:127.0.0.1", ["127.0.0.1"]),
        ("::ffff:0.0.0.0", ["127.0.0.1"]),
        ("192.0.2.1", ["192.0.2.1"]),
    ],
)
def test_every_address_that_listens_is_tried(host: str, tried: list[str]) -> None:
    assert listening.tried(host, 7) == [Address(one, 7) for one in tried]


def test_a_page_also_posts() -> None:
    posts = [one for one in replies.from_page("elasticsearch", 7) if one.sent.startswith(b"POST")]
    assert posts
    for one in posts:
        assert b"\r\nOrigin: http://evil.example\r\n" in one.sent
        assert one.sent.endswith(b"\r\n\r\n{}")
        assert one.serves(http(200)), "though the page may not read the answer"
        assert not one.serves(http(401))
        assert not one.serves(http(405))


LISTENS = """
import os, socket, sys
os.chdir("/")
server = socket.create_server(("127.0.0.2", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_what_an_earlier_start_left_is_found_though_it_is_not_roots_and_left_its_folder(
    tmp_path: Path,
) -> None:
    place = this_checkout()
    place = replace(place, layout=replace(place.layout, root=tmp_path))
    program = place.layout.state / "left.py"
    program.parent.mkdir()
    program.write_text(LISTENS)
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as left:
        assert left.stdout is not None
        port = int(left.stdout.readline())
        with socket.create_server(("127.0.0.1", 0)) as own:
            found = listening.ports(place)
            assert found == {Address("127.0.0.2", port): listening.UNDECLARED}
            assert own.getsockname()[1] not in {address.port for address in found}
        left.communicate("")


def test_a_stranger_that_does_not_exist_is_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("only root tries what another user would")
    monkeypatch.setattr(stranger, "STRANGER", "no-such-user")
    monkeypatch.setattr(listening, "ports", lambda place: {Address("127.0.0.1", 1): "watch"})
    with pytest.raises(StackError, match="no-such-user"):
        command.looked_at(replace(this_checkout(), root=True))
