"""What is sent to a port in each protocol, and whether a reply means that the stranger was served. Pure.

A closed or reset connection, a demanded login and an error about the protocol itself are refusals. Everything
else is an answer.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

EVIL = "evil.example"
"""The name of a web page that does not belong here."""
_REFUSALS = frozenset({401, 403, 407})
_NOT_THIS_NAME = frozenset({400, 421})
_BAD_REQUEST = 400
_FAILED = 500
_ID = 0x56495452
_UNAUTHORIZED = b"\x10code\x00" + struct.pack("<i", 13)
# Airflow's pages are an empty shell to somebody who is not logged in; the figures come from these.
PATHS = {
    "airflow-api-server": (
        "/api/v2/dags",
        "/api/v2/connections",
        "/vitrine/reports",
        "/vitrine/health/recent",
        "/vitrine/flink/",
        "/vitrine/flink/jobs/overview",
    ),
    "elasticsearch": ("/", "/_search", "/_cat/indices"),
    "watch": ("/metrics", "/recent"),
}
"""What is asked of a service by HTTP; of others `/`."""
POSTED = {"elasticsearch": ("/", "/_refresh"), "airflow-api-server": ("/api/v2/dags", "/vitrine/flink/jobs")}
"""What is sent to a service by POST, which a browser sends without asking first; to others `/`. Nothing that
would do harm if it were served."""
_HTTP = "HTTP"
_OWN = dict.fromkeys(("airflow-api-server", "elasticsearch", "watch", "gate", "store", "index"), _HTTP) | {
    "kafka": "Kafka",
    "redis": "Redis",
    "mongodb": "MongoDB",
}
"""The protocol in which each service must answer before it counts as closed."""


@dataclass(frozen=True)
class Try:
    """One attempt: what is sent, by TLS or not, and whether a reply to it (which may be empty) serves."""

    name: str
    sent: bytes
    serves: Callable[[bytes], bool]
    own: bool | None
    """Whether it is in the protocol of the port's service; None if that is not known."""
    tls: bool = False
    question: str = ""
    """The same for attempts that differ in TLS only."""


def as_stranger(service: str, port: int) -> tuple[Try, ...]:
    """Returns what a program of another user would try."""
    asked = [get(path, f"127.0.0.1:{port}") for path in PATHS.get(service, ("/",))]
    http2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)
    return (
        *(one for sent in asked for one in _by_http(service, sent, _http_serves)),
        Try("Redis PING", b"*1\r\n$4\r\nPING\r\n", _redis_serves, _own(service, "Redis")),
        Try("Kafka Metadata", _kafka_metadata(), _kafka_serves, _own(service, "Kafka")),
        Try("MongoDB listDatabases", _mongo_list_databases(), _mongo_serves, _own(service, "MongoDB")),
        Try("HTTP/2", http2, _http2_serves, _own(service, "HTTP/2")),
    )


def from_page(service: str, port: int) -> tuple[Try, ...]:
    """Returns what a web page of another origin would try, in the browser of a user of this stack who is not
    logged in."""
    host, origin = f"127.0.0.1:{port}", (("Origin", f"http://{EVIL}"),)
    asked = [get(path, host, origin) for path in PATHS.get(service, ("/",))]
    posted = [post(path, host, origin) for path in POSTED.get(service, ("/",))]
    return (
        *(one for sent in asked for one in _by_http(service, sent, _page_reads)),
        *(one for sent in posted for one in _by_http(service, sent, _post_acts)),
    )


def by_rebinding(service: str, port: int) -> tuple[Try, ...]:
    """Returns what a web page would try that had its own name taken for this machine's."""
    asked = [get(path, f"{EVIL}:{port}") for path in PATHS.get(service, ("/",))]
    return tuple(one for sent in asked for one in _by_http(service, sent, _rebound_reads))


def _by_http(service: str, sent: bytes, serves: Callable[[bytes], bool]) -> tuple[Try, Try]:
    own, question = _own(service, _HTTP), sent.decode()
    return (
        Try("HTTP", sent, serves, own, question=question),
        Try("HTTPS", sent, serves, own, tls=True, question=question),
    )


def _own(service: str, protocol: str) -> bool | None:
    return _OWN[service] == protocol if service in _OWN else None


def post(path: str, host: str, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Returns a POST request that a browser sends to another origin without asking first."""
    more = (*headers, ("Content-Type", "text/plain"), ("Content-Length", "2"))
    return get(path, host, more).replace(b"GET", b"POST", 1) + b"{}"


def get(path: str, host: str, headers: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Returns a GET request."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join([*lines, "Connection: close", "", ""])).encode()


def _status(reply: bytes) -> int | None:
    found = re.match(rb"HTTP/1\.[01] (\d{3})", reply)
    return int(found[1]) if found else None


def _http_serves(reply: bytes) -> bool:
    if _to_tls(reply):  # HTTPS is tried by itself
        return False
    # What is no HTTP is told by the attempts in other protocols.
    return (status := _status(reply)) is not None and status not in _REFUSALS


def _to_tls(reply: bytes) -> bool:
    moved = re.search(rb"\r\nlocation: *https://", reply, re.IGNORECASE)
    empty = reply.partition(b"\r\n\r\n")[2] == b""
    return moved is not None and empty and _status(reply) in (301, 302, 307, 308)


def _page_reads(reply: bytes) -> bool:
    permission = re.search(rb"\r\naccess-control-allow-origin: *(\S+)", reply, re.IGNORECASE)
    return _rebound_reads(reply) or bool(permission and permission[1] in (b"*", f"http://{EVIL}".encode()))


def _rebound_reads(reply: bytes) -> bool:
    return _http_serves(reply) and _status(reply) not in _NOT_THIS_NAME


def _post_acts(reply: bytes) -> bool:
    """Whether the server did what was posted, though the page may not read its answer."""
    status = _status(reply)
    return status is not None and not _to_tls(reply) and (status < _BAD_REQUEST or status == _FAILED)


def _redis_serves(reply: bytes) -> bool:
    return reply[:1] in (b"+", b"-", b"$", b":") and not reply.startswith((b"-NOAUTH", b"-NOPERM"))


def _kafka_metadata() -> bytes:
    """Metadata, version 1, of all topics."""
    body = struct.pack(">hhih", 3, 1, _ID, -1) + struct.pack(">i", -1)
    return struct.pack(">i", len(body)) + body


def _kafka_serves(reply: bytes) -> bool:
    return reply[4:8] == struct.pack(">i", _ID)


def _mongo_list_databases() -> bytes:
    fields = b"\x10listDatabases\x00" + struct.pack("<i", 1) + b"\x02$db\x00\x06\x00\x00\x00admin\x00"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\x00"
    message = struct.pack("<iiiI", _ID, 0, 2013, 0) + b"\x00" + document
    return struct.pack("<i", len(message) + 4) + message


def _mongo_serves(reply: bytes) -> bool:
    return reply[8:12] == struct.pack("<i", _ID) and _UNAUTHORIZED not in reply


def _http2_serves(reply: bytes) -> bool:
    """A server of HTTP/2, as gRPC has it, begins with its settings."""
    return len(reply) > 3 and reply[3] == 0x04 and _status(reply) is None
