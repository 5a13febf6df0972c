"""The doors of the running Airflow: headers, hosts, logins and the session's cookie, tried by a browser."""

import http.client
import uuid
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lab import screenshots
from stack.context import this_checkout


def status(url: str, path: str, host: str) -> int:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("path", ["/", "/auth/login", "/vitrine/reports", "/api/v2/monitor/health"])
def test_a_rebound_name_is_refused(airflow_url: str, path: str) -> None:
    assert status(airflow_url, path, "evil.example") == 400
    assert status(airflow_url, path, urlsplit(airflow_url).netloc) in (200, 401)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/auth/docs", "/execution/docs"])
def test_no_documentation_page_is_served(anonymous: BrowserContext, path: str) -> None:
    assert anonymous.request.get(path).status == 404


@pytest.mark.parametrize("path", ["/", "/auth/login"])
def test_the_shell_and_the_login_page_are_protected(anonymous: BrowserContext, path: str) -> None:
    headers = anonymous.request.get(path).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_page_of_another_origin_cannot_frame_the_login(anonymous: BrowserContext, airflow_url: str) -> None:
    page = anonymous.new_page()
    page.route("http://evil.example/", lambda route: route.fulfill(
        content_type="text/html", body=f"<iframe src='{airflow_url}/auth/login'></iframe>"
    ))  # fmt: skip
    page.goto("http://evil.example/")
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]


def test_scripts_cannot_read_the_session(reader: BrowserContext, page: Page) -> None:
    page.goto("/")
    [cookie] = [one for one in reader.cookies() if one["name"] == "_token"]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "_token" not in page.evaluate("document.cookie")


def test_airflows_own_pages_work_under_the_policy(page: Page) -> None:
    """The graph and the code of a DAG, and the form that starts it, use workers and an editor. The fixture
    fails if a browser refused anything."""
    page.goto("/dags/private_models")
    page.get_by_role("button", name="Trigger").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.goto("/dags/private_models/code")
    expect(page.locator(".monaco-editor").first).to_be_visible()
    expect(page.get_by_text("private_models").first).to_be_visible()
    page.goto("/dags/private_models")
    page.get_by_label("Show Graph").first.click()
    expect(page.locator(".react-flow__node").first).to_be_visible()


def test_wrong_logins_are_slowed(anonymous: BrowserContext) -> None:
    guess = {"username": f"nobody-{uuid.uuid4().hex}", "password": "guess"}
    statuses = [anonymous.request.post("/auth/token", data=guess).status for _ in range(8)]
    assert statuses[0] == 401
    assert statuses[-1] == 429


def test_logging_out_ends_the_session(anonymous: BrowserContext, airflow_url: str) -> None:
    screenshots.log_in(anonymous, this_checkout())
    page = anonymous.new_page()
    page.goto("/api/v2/auth/logout")
    expect(page.locator("input[name=password]")).to_be_visible()
    assert not [one for one in anonymous.cookies() if one["name"] == "_token"]
    assert anonymous.request.get("/vitrine/reports").status == 401
