"""Flink's page behind Airflow's login: who may look, and what reaches Flink and comes back."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from fastapi.testclient import TestClient

Received = list[tuple[str, str, dict[str, str]]]
Enter = Callable[[str], TestClient]
PAGE = b"<!doctype html><title>Apache Flink Web Dashboard</title>"
OWN = "http://127.0.0.1:18080"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Received]:
    """What reaches a server in Flink's place. Its answers have headers that must go no further."""
    found: Received = []

    class Flink(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.append(
                (self.command, self.path, {name.lower(): text for name, text in self.headers.items()})
            )
            self.send_response(200)
            for name, text in {
                "Content-Type": "text/html",
                "Set-Cookie": "_token=evil",
                "Access-Control-Allow-Origin": "*",
                "Content-Security-Policy": "default-src *",
                "X-Evil": "1",
                "Content-Length": str(len(PAGE)),
            }.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(PAGE)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Flink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("VITRINE_FLINK_URL", f"http://127.0.0.1:{server.server_port}")
        yield found
        server.shutdown()


@pytest.mark.parametrize("role", ["op", "admin"])
def test_op_and_admin_see_the_page(enter: Enter, received: Received, role: str) -> None:
    answer = enter(role).get("/flink/")
    assert answer.status_code == 200
    assert answer.content == PAGE
    assert answer.headers["content-type"].startswith("text/html")
    assert [(method, path) for method, path, _ in received] == [("GET", "/")]


@pytest.mark.parametrize("role", ["viewer", "user"])
@pytest.mark.parametrize("path", ["/flink/", "/flink/jobs/overview", "/flink/main.js", "/flink/jars"])
def test_viewer_and_analyst_are_refused(enter: Enter, received: Received, role: str, path: str) -> None:
    assert enter(role).get(path).status_code == 403
    assert received == []


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/flink/", "/flink/jobs", "/flink/jars/upload", f"/flink/jobs/{'a' * 32}"])
def test_nothing_is_sent_or_changed(enter: Enter, received: Received, method: str, path: str) -> None:
    assert enter("admin").request(method, path, headers={"X-HTTP-Method-Override": "GET"}).status_code == 405
    assert received == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/flink/jars", 404),
        ("/flink/v1/jobs", 404),
        (f"/flink/jobs/{'a' * 32}/yarn-cancel", 404),
        ("/flink/jobmanager/config", 403),
        ("/flink/jobmanager/logs/x.log", 403),
        ("/flink/taskmanagers/taskmanager/stdout", 403),
        ("/flink/assets/%2e%2e/jars", 404),
        ("/flink/..%2fjars", 404),
        ("/flink/jobs/overview%0d%0aX-Evil:%201", 404),
        ("/flink/jobs/overview%3fmode=cancel", 404),
        ("/flink//evil.example/x.js", 404),
        ("/flink/http://evil.example/x.js", 404),
        ("/flink/jobs/overview?mode=cancel", 404),
    ],
)
def test_what_is_not_on_the_list_never_reaches_flink(
    enter: Enter, received: Received, path: str, status: int
) -> None:
    assert enter("admin").get(path, follow_redirects=False).status_code == status
    assert received == []


def test_flinks_page_shows_why_something_is_withheld(enter: Enter, received: Received) -> None:
    [shown] = enter("admin").get("/flink/jobmanager/log").json()["errors"]
    assert "passwords" in shown


def test_no_header_passes_in_either_direction(enter: Enter, received: Received) -> None:
    sent = {
        "Cookie": "_token=secret",
        "Authorization": "Bearer secret",
        "X-Forwarded-Host": "evil.example",
        "Referer": "http://testserver/secret",
        "Host": "127.0.0.1:18080",
        "Accept-Language": "secret",
    }
    answer = enter("admin").get("/flink/jobs/overview", headers=sent)
    [(_, _, arrived)] = received
    assert set(arrived) == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert arrived["host"].startswith("127.0.0.1:")
    assert "secret" not in str(arrived)
    assert {"set-cookie", "access-control-allow-origin", "x-evil"}.isdisjoint(answer.headers)
    # It is JSON, whatever Flink says, and no page.
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_the_page_has_a_policy_of_its_own(enter: Enter, received: Received) -> None:
    answer = enter("admin").get("/flink/", headers={"Host": "127.0.0.1:18080"})
    [policy] = answer.headers.get_list("content-security-policy")
    assert "connect-src 127.0.0.1:18080/flink/;" in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


def test_files_that_never_change_are_kept_by_the_browser(enter: Enter, received: Received) -> None:
    answer = enter("admin").get("/flink/main.a877f62051d76ab2.js")
    assert answer.headers["cache-control"] == "private, max-age=3600"
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://127.0.0.1:8000"])
def test_no_other_page_reads(enter: Enter, received: Received, origin: str) -> None:
    for path in ("/flink/", "/flink/jobs/overview"):
        headers = {"Host": "127.0.0.1:18080", "Origin": origin}
        assert enter("admin").get(path, headers=headers).status_code == 403
    assert received == []
    assert (
        enter("admin").get("/flink/", headers={"Host": "127.0.0.1:18080", "Origin": OWN}).status_code == 200
    )


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
@pytest.mark.parametrize("kind", ["image", "empty", "iframe", "script"])
def test_no_other_page_makes_flink_work(enter: Enter, received: Received, site: str, kind: str) -> None:
    """A picture is asked for without an origin, but with the reader's session."""
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": kind}
    assert enter("admin").get("/flink/jobmanager/thread-dump", headers=sent).status_code == 403
    assert received == []


@pytest.mark.parametrize("site", ["none", "cross-site", "same-origin"])
def test_a_link_from_anywhere_opens_the_page(enter: Enter, received: Received, site: str) -> None:
    sent = {"Sec-Fetch-Site": site, "Sec-Fetch-Dest": "document"}
    assert enter("admin").get("/flink/", headers=sent).status_code == 200


def test_an_unavailable_flink_is_said_in_plain_words(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_FLINK_URL", "http://127.0.0.1:1")
    admin = enter("admin")
    page = admin.get("/flink/")
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "Flink does not answer" in page.text
    assert "./vitrine logs flink-jobmanager" in page.text
    read = admin.get("/flink/jobs/overview")
    assert read.status_code == 503
    assert read.json()["detail"] == "Flink does not answer (ConnectError)."
    assert page.headers["retry-after"] == read.headers["retry-after"] == "10"


def test_a_browser_without_a_login_is_led_to_it_and_back(client: TestClient, received: Received) -> None:
    opened = {"Sec-Fetch-Dest": "document"}
    answer = client.get("/flink/", headers=opened, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/api/v2/auth/login?next=%2Fflink%2F"
    assert client.get("/run-report?run_id=a%26b", headers=opened, follow_redirects=False).headers[
        "location"
    ] == ("/api/v2/auth/login?next=%2Frun-report%3Frun_id%3Da%2526b")
    for other in ({}, {"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "script"}):
        assert client.get("/flink/", headers=other, follow_redirects=False).status_code == 401
    assert received == []
