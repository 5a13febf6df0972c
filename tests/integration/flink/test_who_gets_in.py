"""Flink's REST interface runs any code it receives: another user of the machine and a page in a browser
cannot use it.

Each attack is tried on the running cluster, together with the same request by an authorised client."""

import http.client
import json
import multiprocessing
import os
import ssl
import stat
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from lab import screenshots
from stack import accounts, certificates, system_users
from stack.context import this_checkout
from stack.identity import Identity
from streaming.flink.cluster import client
from streaming.settings import FlinkRestSettings

PLACE = this_checkout()
REST = FlinkRestSettings()
PORT = urlsplit(REST.url).port or 0
ANOTHER_UID = 12_345
SUBMIT = "/v1/jobs"
REACHED = "jobGraphFileName"
"""Flink's answer to a submission that names no job."""
KEYS = (PLACE.layout.flink_rest, PLACE.layout.flink_internal)


def without_certificate() -> ssl.SSLContext:
    """A TLS context that verifies nothing, as an attacker would use."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def answer(context: ssl.SSLContext | None, path: str = SUBMIT, **headers: str) -> tuple[int, str]:
    """Status and text of a submission, or of a GET of another path; (0, reason) if there is no answer."""
    connection = (
        http.client.HTTPSConnection("127.0.0.1", PORT, timeout=20, context=context)
        if context
        else http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    )
    method, body = ("POST", "{}") if path == SUBMIT else ("GET", None)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json", **headers})
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return 0, f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def as_another_user(attack: Callable[[], Any]) -> Any:
    """The result of `attack` in a process of another user; skips the test unless we are root and can start
    one."""

    def carry_out(result: Connection) -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(ANOTHER_UID)
            os.setuid(ANOTHER_UID)
        result.send(attack())

    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=carry_out, args=(theirs,))
    process.start()
    try:
        assert ours.poll(120), "the attack did not end"
        return ours.recv()
    finally:
        process.join(10)


def test_with_our_certificate_a_submission_reaches_flink() -> None:
    with client(REST) as rest:
        assert REACHED in rest.post(SUBMIT, json={}).text
        assert "flink-version" in rest.get("/overview").json()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.example", ""])
@pytest.mark.parametrize("path", [SUBMIT, "/overview", "/jobmanager/config"])
def test_another_user_gets_no_answer(host: str, path: str, tmp_path: Path) -> None:
    own = Identity(tmp_path / "own")
    certificates.ensure(own, {"127.0.0.1"})
    with_own = without_certificate()
    with_own.load_cert_chain(own.certificate, own.key)

    def attack() -> list[tuple[int, str]]:
        return [answer(context, path, Host=host) for context in (None, without_certificate(), with_own)]

    plain, bare, forged = as_another_user(attack)
    # Plain HTTP is sent to HTTPS and told nothing else.
    assert plain[0] in (0, 301, 400)
    assert not plain[1] or plain[0] == 0
    assert bare[0] == forged[0] == 0, (bare, forged)


def test_only_their_owner_can_read_the_keys() -> None:
    files = [file for keys in KEYS for file in (keys.key, keys.store, keys.password)]
    files.append(PLACE.layout.run / "flink" / "conf" / "config.yaml")  # it has the passwords
    flinks = system_users.gid(accounts.FLINK) if os.geteuid() == 0 else None
    for file in files:
        found = file.stat()
        # What root lends to Flink's account is read by the group that only this account has; what it lends
        # to the services as well is theirs, to be read only.
        lent = 0o640 if found.st_uid == 0 else 0o440
        assert stat.S_IMODE(found.st_mode) == (lent if found.st_gid == flinks else 0o600)

    def readable() -> list[str]:
        return [str(file) for file in files if os.access(file, os.R_OK)]

    assert as_another_user(readable) == ([] if os.geteuid() == 0 else [str(file) for file in files])


def test_no_password_is_shown_or_logged() -> None:
    passwords = [keys.password.read_text() for keys in KEYS]
    with client(REST) as rest:
        config = {entry["key"]: entry["value"] for entry in rest.get("/jobmanager/config").json()}
        jobs = [job["jid"] for job in rest.get("/jobs/overview").json()["jobs"]]
        workers = [one["id"] for one in rest.get("/taskmanagers").json()["taskmanagers"]]
        paths = ["/jobmanager/config", "/jobmanager/environment"]
        paths += [f"/jobs/{job}{what}" for job in jobs for what in ("", "/config", "/plan")]
        paths += [f"/taskmanagers/{worker}" for worker in workers]
        shown = "".join(rest.get(path).text for path in paths)
    hidden = {value for key, value in config.items() if key.endswith("password")}
    assert hidden == {"******"}
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    logs = [file for file in PLACE.layout.logs.rglob("*") if file.is_file()]
    assert logs
    for password in passwords:
        assert password not in shown
        assert not any(password in line for line in lines)
        assert not [file.name for file in logs if password.encode() in file.read_bytes()]


@pytest.mark.parametrize("port", ["flink_rpc", "flink_blob", "flink_taskmanager", "flink_data"])
def test_flinks_processes_accept_only_each_other(port: str) -> None:
    ours = without_certificate()
    ours.load_cert_chain(PLACE.layout.flink_internal.certificate, PLACE.layout.flink_internal.key)
    of_rest = without_certificate()
    of_rest.load_cert_chain(PLACE.layout.flink_rest.certificate, PLACE.layout.flink_rest.key)

    def handshake(context: ssl.SSLContext) -> bool:
        import socket

        with socket.create_connection(("127.0.0.1", PLACE.settings.port(port)), timeout=20) as plain:
            try:
                context.wrap_socket(plain).close()
            except (ssl.SSLError, ConnectionError):
                return False
        return True

    assert handshake(ours)
    assert not as_another_user(lambda: handshake(without_certificate()))
    assert not handshake(of_rest), "what a browser is given opens REST alone"


def test_pages_of_other_origins_cannot_read_answers() -> None:
    with client(REST) as rest:
        for origin in ("http://evil.example", "null", "https://127.0.0.1"):
            headers = rest.get("/overview", headers={"Origin": origin}).headers
            assert headers["access-control-allow-origin"] == f"https://127.0.0.1:{PORT}"
            assert "access-control-allow-credentials" not in headers


class EvilPage(BaseHTTPRequestHandler):
    """A page of another origin."""

    def do_GET(self) -> None:
        body = b"<!doctype html><title>evil</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *message: object) -> None:
        pass


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EvilPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, screenshots.launch(playwright) as browser:
        yield browser


ATTACK = """async ([url, mode, credentials]) => {
    const form = new FormData();
    form.append('request', new Blob(['{}'], {type: 'application/json'}));
    try {
        const answer = await fetch(url, {method: 'POST', body: form, mode, credentials});
        return answer.type + ' ' + answer.status + ' ' + await answer.text();
    } catch (error) {
        return 'nowhere';
    }
}"""


def test_a_page_in_a_browser_cannot_use_it(browser: Browser, evil: str) -> None:
    # Even in the browser of someone who has clicked all warnings away.
    with browser.new_context(ignore_https_errors=True) as context:
        page = context.new_page()
        page.goto(evil)
        own = page.evaluate(ATTACK, [evil, "cors", "include"])
        assert own.startswith("basic 501"), "the attack itself works: this server knows no POST"
        for scheme in ("http", "https"):
            for host in ("127.0.0.1", "localhost"):
                url = f"{scheme}://{host}:{PORT}{SUBMIT}"
                for mode, credentials in (("cors", "omit"), ("no-cors", "include"), ("cors", "include")):
                    assert page.evaluate(ATTACK, [url, mode, credentials]) == "nowhere", (url, mode)
                with pytest.raises(Error):
                    context.new_page().goto(f"{scheme}://{host}:{PORT}/overview")


def test_a_browser_with_the_certificate_sees_flinks_page(browser: Browser) -> None:
    keys = PLACE.layout.flink_rest
    origin, password = f"https://127.0.0.1:{PORT}", keys.password.read_text()
    with browser.new_context(
        ignore_https_errors=True,
        client_certificates=[{"origin": origin, "pfxPath": str(keys.store), "passphrase": password}],
    ) as context:
        page = context.new_page()
        answered = page.goto(f"{origin}/overview")
        assert answered is not None
        assert "flink-version" in json.loads(answered.text())
