"""The whole of Airflow's web application with the plugin's doors in front, called without a browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

OWN = "http://127.0.0.1:18080"
PASSWORDS = {"admin": "right", "ann": "right too"}


@pytest.fixture(scope="module")
def airflow_app(plugin: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Airflow's application, made as its API server does, with the stack's settings."""
    from airflow import plugins_manager
    from airflow.api_fastapi import app as airflow_api
    from airflow.configuration import conf

    file = tmp_path_factory.mktemp("logins") / "passwords.json"
    file.write_text(json.dumps(PASSWORDS))
    settings = {
        ("core", "simple_auth_manager_users"): "admin:admin,ann:viewer",
        ("core", "simple_auth_manager_passwords_file"): str(file),
        ("api", "enable_swagger_ui"): "False",
        ("api_auth", "jwt_secret"): "secret" * 20,
    }
    with pytest.MonkeyPatch.context() as patched:
        for (section, name), value in settings.items():
            patched.setenv(f"AIRFLOW__{section.upper()}__{name.upper()}", value)
        mounted = plugin.VitrinePlugin.fastapi_apps, plugin.VitrinePlugin.fastapi_root_middlewares
        patched.setattr(plugins_manager, "get_fastapi_plugins", lambda: mounted)
        assert conf.get("api", "enable_swagger_ui") == "False"
        yield airflow_api.create_app()
    airflow_api.purge_cached_app()


@pytest.fixture
def airflow(airflow_app: FastAPI) -> TestClient:
    airflow_app.middleware_stack = None  # made anew, with no login attempted
    return TestClient(airflow_app, base_url=OWN, raise_server_exceptions=False)


def wrong(client: TestClient, user: str = "admin", **more: Any) -> int:
    answer = client.post("/auth/token", json={"username": user, "password": "wrong"}, **more)
    return int(answer.status_code)


DOCUMENTATION = [
    "/docs",
    "/redoc",
    "/openapi.json",
    "/docs/oauth2-redirect",
    "/auth/docs",
    "/auth/redoc",
    "/auth/openapi.json",
    "/execution/docs",
    "/execution/redoc",
    "/execution/openapi.json",
    "/execution/openapi.json?version=2025-04-28",
    "/execution/changelog",
    "/vitrine/docs",
    "/vitrine/openapi.json",
]


@pytest.mark.parametrize("path", DOCUMENTATION)
def test_no_application_documents_itself(airflow: TestClient, path: str) -> None:
    for written in (path, path.partition("?")[0] + "/"):
        answer = airflow.get(written)
        assert answer.status_code in (401, 404), written
        assert "swagger" not in answer.text.lower()
        assert "paths" not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/dags/x", "/auth/login", "/api/v2/dags", "/static/pin_32.png", "/docs"]
)
def test_every_answer_carries_the_headers_that_protect_a_page(airflow: TestClient, path: str) -> None:
    headers = airflow.get(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_page_of_the_plugin_keeps_its_own_policy(
    airflow: TestClient, plugin: ModuleType, reports_dir: Path
) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    user = SimpleAuthManagerUser(username="reader", role="viewer")
    plugin.app.dependency_overrides[plugin.get_user] = lambda: user
    try:
        policies = airflow.get("/vitrine/reports").headers.get_list("content-security-policy")
    finally:
        plugin.app.dependency_overrides.clear()
    from vitrine_pages import PAGE_POLICY

    assert policies == [PAGE_POLICY]


def test_the_shells_page_needs_nothing_that_its_policy_forbids() -> None:
    """No script within a page, none of another server: for the shell and for the login page."""
    import airflow
    from airflow.api_fastapi.auth.managers import simple

    folders = (Path(airflow.__file__).parent / "ui" / "dist", Path(simple.__file__).parent / "ui" / "dist")
    for folder in folders:
        html = (folder / "index.html").read_text()
        assert html.count("<script") == html.count('<script type="module" crossorigin src="./') == 1
        assert " on" not in html.replace(" one", "")
        assert "//" not in html.replace("<!-- ", "")


@pytest.mark.parametrize(
    "path", ["/", "/auth/login", "/api/v2/dags", "/vitrine/reports/", "/execution/health"]
)
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:18080", "127.0.0.1.evil.example", "localhost.evil", "", "a b", "[x]"],
)
def test_a_foreign_host_is_refused(airflow: TestClient, path: str, host: str) -> None:
    answer = airflow.get(path, headers={"Host": host}, follow_redirects=False)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:18080", "localhost:18080", "LOCALHOST", "[::1]:18080", "127.0.0.1"]
)
def test_loopback_names_are_served(airflow: TestClient, host: str) -> None:
    assert airflow.get("/auth/login", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/vitrine/flink/main.js", "/api/v2/version"])
def test_no_script_becomes_a_service_worker(airflow: TestClient, path: str) -> None:
    """It would answer for this server in the browser, without a policy and with the reader's session."""
    assert airflow.get(path, headers={"Service-Worker": "script"}).status_code == 403


def test_wrong_logins_are_slowed_and_the_right_one_is_let_in_again(
    airflow: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("vitrine_doors.time.monotonic", lambda: clock[0])
    statuses = [wrong(airflow) for _ in range(12)]
    assert statuses[:5] == [401] * 5
    assert set(statuses[5:]) == {429}
    right = {"username": "admin", "password": "right"}
    for path in ("/auth/token", "/auth/token/cli", "/auth/token/"):
        assert airflow.post(path, json=right, follow_redirects=False).status_code == 429
    refused = airflow.post("/auth/token", json=right)
    assert refused.headers["retry-after"] == "1"
    assert airflow.post("/auth/token", data={"username": "ann", "password": "right too"}).status_code == 201
    clock[0] += 1
    assert airflow.post("/auth/token", json=right).status_code == 201
    assert wrong(airflow) == 401


def test_a_body_that_names_two_users_is_counted_for_both(airflow: TestClient) -> None:
    for number in range(5):
        decoy = json.dumps({"username": f"decoy-{number}", "x": "&username=admin&password=guess&"})
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert airflow.post("/auth/token", content=decoy, headers=form).status_code == 401
    assert wrong(airflow) == 429


def test_a_long_login_is_not_read(airflow: TestClient) -> None:
    assert wrong(airflow, "a" * 5_000) == 413


def test_the_login_pages_session_is_in_a_cookie_that_scripts_cannot_read(airflow: TestClient) -> None:
    right = {"username": "admin", "password": "right"}
    answer = airflow.post("/auth/token", json=right, headers={"Origin": OWN})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert cookie == f"_token={answer.json()['access_token']}; HttpOnly; Path=/; SameSite=lax"


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:8000"])
def test_no_other_page_logs_a_browser_in(airflow: TestClient, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    answer = airflow.post("/auth/token", data={"username": "admin", "password": "right"}, headers=headers)
    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers


def test_a_wrong_login_sets_no_cookie(airflow: TestClient) -> None:
    answer = airflow.post(
        "/auth/token", json={"username": "admin", "password": "no"}, headers={"Origin": OWN}
    )
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
