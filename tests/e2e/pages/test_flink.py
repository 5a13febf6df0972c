"""Flink's own page through Airflow's login, in a real browser and on the running cluster."""

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import APIResponse, BrowserContext, Page, expect

from stack import airflow_passwords, logins, passwords
from stack.context import this_checkout
from stack.principals import Principal, Store
from streaming.flink.cluster import client
from streaming.settings import FlinkRestSettings, KafkaSettings
from streaming.summaries.settings import job_name

FLINK = "/vitrine/flink/"
JOB = job_name(KafkaSettings())


@pytest.fixture
def opened(reader: BrowserContext) -> Iterator[Page]:
    """Flink's page, opened from Airflow's menu."""
    shell = reader.new_page()
    shell.goto("/")
    shell.get_by_role("button", name="Browse", exact=True).click()
    with reader.expect_page() as new:
        shell.get_by_role("menuitem", name="Flink", exact=True).click()
    yield new.value
    new.value.close()
    shell.close()


@pytest.fixture
def flink(opened: Page) -> Iterator[Page]:
    """The same. Its scripts must run without errors, and its policy forbid nothing that they do."""
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda message: problems.append(message.text) if "Content Security" in message.text else None,
    )
    opened.reload()
    yield opened
    assert not problems


def job_id() -> str:
    with client(FlinkRestSettings()) as rest:
        jobs = rest.get("/jobs/overview").json()["jobs"]
    return next(str(job["jid"]) for job in jobs if job["name"] == JOB)


def asked(context: BrowserContext, path: str) -> APIResponse:
    return context.request.get(FLINK + path)


def test_an_op_sees_the_running_job_in_flinks_own_page(flink: Page) -> None:
    expect(flink).to_have_title("Apache Flink Web Dashboard")
    assert urlsplit(flink.url).path == FLINK
    flink.goto(f"{FLINK}#/job/running")
    flink.get_by_role("cell", name=JOB, exact=True).click()
    expect(flink.get_by_text("RUNNING").first).to_be_visible()
    # The graph of the job, drawn by Flink's scripts.
    expect(flink.locator("svg .node").first).to_contain_text("Source")
    expect(flink.get_by_role("button", name="Cancel Job")).to_have_count(0)
    expect(flink.get_by_text("Submit New Job")).to_have_count(0)


def test_its_scripts_cannot_leave_a_service_worker_behind(flink: Page) -> None:
    """One that answers in the server's place has no policy, and the reader's session."""
    tried = """async () => {
        const script = document.querySelector("script[src*=main]").getAttribute("src")
        try { await navigator.serviceWorker.register(script); return "registered" }
        catch (error) { return String(error) }
    }"""
    assert "Failed to register" in flink.evaluate(tried)


@pytest.mark.parametrize("tab", ["exceptions", "timeline", "checkpoints"])
def test_its_tabs_work_under_the_policy(flink: Page, tab: str) -> None:
    flink.goto(f"{FLINK}#/job/running/{job_id()}/{tab}")
    expect(flink.locator(".ant-tabs-tab-active, .ant-menu-item-selected").first).to_be_visible()
    # Flink has messages of its own, of a checkpoint that is gone for example.
    expect(flink.get_by_text("not shown here")).to_have_count(0)


def test_the_configuration_is_withheld_and_the_page_says_so(flink: Page) -> None:
    flink.goto(f"{FLINK}#/job-manager/config")
    expect(flink.get_by_text("can hold passwords").first).to_be_visible()


def test_its_scripts_reach_neither_airflow_nor_the_window_they_came_from(opened: Page) -> None:
    assert opened.evaluate("window.opener") is None
    refused = "async path => { try { await fetch(path); return false } catch { return true } }"
    assert not opened.evaluate(refused, f"{FLINK}overview")
    for path in ("/api/v2/dags", "/vitrine/reports"):
        with opened.expect_event("console", lambda message: "Content Security" in message.text):
            assert opened.evaluate(refused, path)
    assert opened.evaluate("window.open('/')") is None


def test_nothing_that_is_shown_holds_a_password(reader: BrowserContext) -> None:
    place = this_checkout()
    secrets = {passwords.of(place.layout, store, one) for store in Store for one in Principal}
    secrets |= {place.layout.flink_rest.password_text(), place.layout.flink_internal.password_text()}
    job = job_id()
    overview = asked(reader, f"jobs/{job}")
    vertices = [vertex["id"] for vertex in overview.json()["vertices"]]
    read = [
        "config",
        "overview",
        "jobs/overview",
        "applications/overview",
        "taskmanagers",
        "jobmanager/thread-dump",
    ]
    read += [f"jobs/{job}/{part}" for part in ("exceptions", "checkpoints", "checkpoints/config")]
    read += ["taskmanagers/taskmanager", "taskmanagers/taskmanager/thread-dump"]
    read += [
        f"jobs/{job}/vertices/{vertex}/{part}"
        for vertex in vertices
        for part in ("accumulators", "backpressure", "subtasktimes", "taskmanagers", "watermarks", "metrics")
    ]
    for answer in (overview, *(asked(reader, path) for path in read)):
        assert answer.ok, answer.url
        assert not [one for one in secrets if one in answer.text()], answer.url


def test_without_a_login_it_leads_to_the_login_and_back(anonymous: BrowserContext) -> None:
    assert asked(anonymous, "").status == asked(anonymous, "jobs/overview").status == 401
    page = anonymous.new_page()
    page.goto(FLINK)
    place = this_checkout()
    user = logins.first_admin(place.settings.users)
    page.locator("input[name=username]").fill(user)
    page.locator("input[name=password]").fill(airflow_passwords.password(place.layout, user))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_title("Apache Flink Web Dashboard")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_changed_through_it(reader: BrowserContext, method: str) -> None:
    job = job_id()
    for path in ("", "jobs", f"jobs/{job}", f"jobs/{job}?mode=cancel", "jars/upload", "cluster"):
        assert reader.request.fetch(FLINK + path, method=method, data="{}").status == 405, path
    for path in ("jars", f"jobs/{job}/yarn-cancel", f"jobs/{job}/yarn-stop", "jobmanager/config"):
        assert asked(reader, path).status in (403, 404), path
    assert job_id() == job


@pytest.mark.parametrize(
    "path",
    [
        "../../api/v2/dags",
        "%2e%2e/jars",
        "assets/..%2f..%2fjars",
        "//jars",
        "jobmanager/logs/..%252f..%252fconf",
    ],
)
def test_no_written_form_of_a_path_leads_elsewhere(
    reader: BrowserContext, airflow_url: str, path: str
) -> None:
    token = next(one["value"] for one in reader.cookies() if one["name"] == "_token")
    assert status(airflow_url, FLINK + path, {"Cookie": f"_token={token}"}) in (403, 404)


def test_it_answers_neither_by_another_name_nor_to_another_page(
    reader: BrowserContext, airflow_url: str
) -> None:
    token = next(one["value"] for one in reader.cookies() if one["name"] == "_token")
    login = {"Cookie": f"_token={token}"}
    assert status(airflow_url, f"{FLINK}overview", login) == 200
    assert status(airflow_url, f"{FLINK}overview", {**login, "Host": "evil.example"}) == 400
    assert status(airflow_url, f"{FLINK}overview", {**login, "Origin": "http://127.0.0.1:8000"}) == 403


def test_a_page_of_another_origin_can_neither_frame_nor_include_it(
    reader: BrowserContext, airflow_url: str
) -> None:
    script = re.search(r'src="(main\.[^"]+)"', asked(reader, "").text())
    assert script
    page = reader.new_page()
    body = (
        f"<iframe src='{airflow_url}{FLINK}'></iframe>"
        f"<script src='{airflow_url}{FLINK}{script[1]}' onerror='window.kept_out = true'></script>"
    )
    # Of the same site, so that the browser sends the reader's session along.
    page.route("http://127.0.0.1:1/", lambda route: route.fulfill(content_type="text/html", body=body))
    page.goto("http://127.0.0.1:1/")
    assert [frame.url for frame in page.frames[1:]] == ["chrome-error://chromewebdata/"]
    assert page.evaluate("window.kept_out")
    page.close()


def status(url: str, path: str, headers: dict[str, str]) -> int:
    """Sends the path as it is written; a browser would change it first."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host=True)
        for name, text in {"Host": address.netloc, **headers}.items():
            connection.putheader(name, text)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()
