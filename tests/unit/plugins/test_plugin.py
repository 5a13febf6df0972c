"""The pages' server, called without a browser and without services."""

import json
import socket
import threading
from pathlib import Path
from types import ModuleType

import httpx
import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from waiting import HUNG_S

from ml.budget.memory import InMemoryAccounts
from streaming.retention.place import InMemoryRecord

RUN = "manual__2026-11-24T00:00:00+00:00"


def write_report(folder: Path, name: str, **summary: object) -> None:
    known = {"title": "What drives a purchase", "created": "2026-11-24T00:01:02Z", "epsilon": 1.0}
    (folder / f"{name}.json").write_text(json.dumps(known | summary))
    (folder / f"{name}.html").write_text(f"<!doctype html><h1>{name}</h1>")


def paths(plugin: ModuleType) -> list[str]:
    """Every path of the application, filled with names that exist."""
    routes = [route for route in plugin.app.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(plugin.app.routes), "a mount would not be behind the login"
    return [
        route.path.replace("{name}", name)
        for route in routes
        for name in (("user_analysis", "page.css", "vega.js") if "{name}" in route.path else ("",))
    ]


def test_nothing_is_served_without_a_login(plugin: ModuleType, client: TestClient) -> None:
    found = paths(plugin)
    assert len(found) >= 9
    for path in found:
        assert client.get(path).status_code == 401, path
        assert client.get(path, headers={"Authorization": "Bearer no"}).status_code in (401, 403), path
        assert client.get(path, headers={"Cookie": "_token=no"}).status_code in (401, 403), path


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/"])
def test_there_is_no_documentation_page(reader: TestClient, path: str) -> None:
    assert reader.get(path).status_code == 404


def test_the_menu_and_the_run_tab_lead_to_existing_pages(
    plugin: ModuleType,
    reader: TestClient,
    reports_dir: Path,
    accounts: InMemoryAccounts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

    from vitrine_pages import PAGE_POLICY

    monkeypatch.setattr("vitrine_retention.stored_record", InMemoryRecord)
    views = plugin.VitrinePlugin.external_views
    assert {view["name"]: view["destination"] for view in views} == {
        "Health": "nav",
        "Reports": "nav",
        "Privacy budget": "nav",
        "Retention": "nav",
        "User Analysis": "nav",
        "Session Analysis": "nav",
        "Flink": "nav",
        "Report": "dag_run",
    }
    for view in views:
        ExternalViewResponse.model_validate(view)  # otherwise Airflow leaves the whole plugin out of its menu
        if view["name"] == "Flink":
            # Its scripts are Flink's: in a window of its own, and not for viewers (test_flink.py).
            assert "url_route" not in view
            assert reader.get(view["href"].removeprefix(plugin.PREFIX)).status_code == 403
            continue
        path = view["href"].removeprefix(plugin.PREFIX).replace("{RUN_ID}", "manual__x")
        answer = reader.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == PAGE_POLICY
        assert answer.headers["cache-control"] == "private, no-store"


def test_no_page_loads_anything_from_elsewhere(
    plugin: ModuleType, reader: TestClient, reports_dir: Path
) -> None:
    for path in (
        "/reports",
        "/dashboards/user_analysis",
        "/health",
        "/static/page.css",
        "/static/look.js",
        "/static/dashboard.js",
        "/static/health.js",
        "/static/theme.js",
    ):
        assert "//" not in reader.get(path).text.replace("// ", "")


def test_without_reports_the_page_shows_how_to_make_one(reader: TestClient, reports_dir: Path) -> None:
    assert "private_models" in reader.get("/reports").text
    assert "No report yet" in reader.get("/reports").text


def test_reports_are_listed_newest_first_with_their_figures(reader: TestClient, reports_dir: Path) -> None:
    models = [
        {"model": "private_trees", "private": True, "epsilon": 1.0, "roc_auc": 0.9123},
        {"model": "xgboost", "private": False, "epsilon": None, "roc_auc": 0.934},
    ]
    write_report(reports_dir, "older", created="2026-11-23T00:00:00Z", title="Older")
    write_report(reports_dir, "newer", models=models, unproven="Composition over runs is not yet proven.")
    text = reader.get("/reports").text
    assert text.index("What drives a purchase") < text.index("Older")
    assert "0.912" in text
    assert "0.934" in text
    assert "without privacy" in text
    assert "Composition over runs is not yet proven." in text


def test_values_of_a_summary_are_text_and_never_markup(reader: TestClient, reports_dir: Path) -> None:
    write_report(reports_dir, "r", title="<script>alert(1)</script>", model_run_id='"><img src=x>')
    assert "<script>alert" not in reader.get("/reports").text
    assert "<img" not in reader.get("/reports").text


def test_values_of_a_summary_turn_nothing_around(reader: TestClient, reports_dir: Path) -> None:
    write_report(reports_dir, "r", title="x\u202etxt.exe\x1b[2J", unproven="line\u2028forged")
    text = reader.get("/reports").text + reader.get("/reports/r").text
    assert "x\\u202etxt.exe\\u001b[2J" in text
    assert not {"\u202e", "\x1b", "\u2028"} & set(text)


@pytest.mark.parametrize("broken", ["not json", "[]", '{"title": 1, "created": "x"}'])
def test_a_broken_summary_hides_its_report_only(reader: TestClient, reports_dir: Path, broken: str) -> None:
    write_report(reports_dir, "good")
    write_report(reports_dir, "bad")
    (reports_dir / "bad.json").write_text(broken)
    assert "1 report," in reader.get("/reports").text
    assert reader.get("/reports/bad").status_code == 404


def test_a_report_is_sandboxed(plugin: ModuleType, reader: TestClient, reports_dir: Path) -> None:
    write_report(reports_dir, "r")
    answer = reader.get("/reports/r/document")
    assert answer.text == "<!doctype html><h1>r</h1>"
    policy = answer.headers["content-security-policy"]
    assert "sandbox allow-scripts allow-downloads;" in policy
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert 'sandbox="allow-scripts allow-downloads"' in reader.get("/reports/r").text


@pytest.mark.parametrize("run_id", [RUN, "scheduled__report"])
def test_a_report_is_found_by_the_run_that_wrote_it_and_the_run_of_its_models(
    reader: TestClient, reports_dir: Path, run_id: str
) -> None:
    write_report(reports_dir, "r", model_run_id=RUN, report_run_id="scheduled__report")
    assert "/reports/r/document" in reader.get("/run-report", params={"run_id": run_id}).text
    assert "No report belongs to this run" in reader.get("/run-report", params={"run_id": "other"}).text


@pytest.mark.parametrize(
    "name", ["..", "../secret", "%2e%2e%2fsecret", "..%2fsecret", "%2fetc%2fpasswd", "r.html", "r%00", "*"]
)
def test_no_name_leads_out_of_the_folder(reader: TestClient, reports_dir: Path, name: str) -> None:
    write_report(reports_dir, "r")
    write_report(reports_dir.parent, "secret")
    for address in (f"/reports/{name}", f"/reports/{name}/document"):
        answer = reader.get(address)
        assert answer.status_code == 404
        assert "secret</h1>" not in answer.text


@pytest.mark.parametrize(
    "name", ["..%2fvitrine_plugin.py", "vitrine_plugin.py", "..", "%2e%2e%2fstatic%2fpage.css"]
)
def test_only_the_pages_own_files_are_static(reader: TestClient, name: str) -> None:
    assert reader.get(f"/static/{name}").status_code == 404


def test_the_charts_script_comes_from_the_pinned_package(reader: TestClient) -> None:
    script = reader.get("/static/vega.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "window.vegaEmbed" in script.text
    notice, _, code = script.text.partition("*/\n")
    assert notice.startswith("/*!\n")
    assert "Copyright (c) University of Washington Interactive Data Lab" in notice
    assert "Redistributions in binary form must reproduce the above copyright" in notice
    assert "vegaEmbed" in code


def test_without_elasticsearch_the_page_gets_a_clear_message(
    plugin: ModuleType, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VITRINE_ELASTICSEARCH_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        plugin.figures.cache_clear()
        answer = reader.get("/dashboards/user_analysis/figures")
        plugin.figures.cache_clear()
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["detail"]
    assert "./vitrine up" in answer.json()["detail"]


def test_an_unknown_range_is_refused(reader: TestClient) -> None:
    assert reader.get("/dashboards/user_analysis/figures", params={"range": "1000y"}).status_code == 422
    assert reader.get("/dashboards/user_analysis/figures", params={"feed": "f" * 50_000}).status_code == 422
    assert reader.get("/dashboards/other/figures").status_code == 404


def test_health_returns_the_monitors_readings(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vitrine_health._client", lambda: httpx.Client(timeout=HUNG_S))
    with socket.create_server(("127.0.0.1", 0)) as watch:
        monkeypatch.setenv("VITRINE_WATCH_URL", f"http://127.0.0.1:{watch.getsockname()[1]}")

        def answer() -> None:
            asked, _ = watch.accept()
            with asked:
                assert asked.recv(1000).startswith(b"GET /recent ")
                asked.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n{"a": 1}')

        answering = threading.Thread(target=answer)
        answering.start()
        found = reader.get("/health/recent")
        answering.join()
    assert (found.status_code, found.json()) == (200, {"a": 1})
    assert found.headers["cache-control"] == "private, no-store"


def test_without_the_monitor_the_page_gets_a_clear_message(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("VITRINE_WATCH_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        answer = reader.get("/health/recent")
    assert answer.status_code == 503
    assert "./vitrine up watch" in answer.json()["detail"]
