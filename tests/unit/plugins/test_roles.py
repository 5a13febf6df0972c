"""What each role may do in Airflow's own API, which its pages use as well: Airflow's application with the
stack's auth manager."""

import json
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from streaming.dag_values import DELETE, SPEND_BUDGET

OWN = "http://127.0.0.1:18080"
USERS = {"vera": "viewer", "ann": "user", "olga": "op", "admin": "admin"}
CHANGES_NO_DAG = re.compile(r"/list$|/wait$|/favorite$|/unfavorite$")


@pytest.fixture(scope="module")
def airflow_app(plugin: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Airflow's application, made as its API server does, with an empty database."""
    from airflow import plugins_manager
    from airflow.api_fastapi import app as airflow_api
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from airflow.settings import get_engine

    file = tmp_path_factory.mktemp("roles") / "passwords.json"
    file.write_text(json.dumps({name: name for name in USERS}))
    settings = {
        ("core", "auth_manager"): "vitrine_roles.VitrineAuthManager",
        ("core", "simple_auth_manager_users"): ",".join(f"{name}:{role}" for name, role in USERS.items()),
        ("core", "simple_auth_manager_passwords_file"): str(file),
        ("api_auth", "jwt_secret"): "secret" * 20,
    }
    with pytest.MonkeyPatch.context() as patched:
        for (section, name), value in settings.items():
            patched.setenv(f"AIRFLOW__{section.upper()}__{name.upper()}", value)
        mounted = plugin.VitrinePlugin.fastapi_apps, plugin.VitrinePlugin.fastapi_root_middlewares
        patched.setattr(plugins_manager, "get_fastapi_plugins", lambda: mounted)
        import_all_models()
        Base.metadata.create_all(get_engine())
        yield airflow_api.create_app()
    airflow_api.purge_cached_app()


@pytest.fixture(scope="module")
def enter(airflow_app: FastAPI) -> Callable[[str], TestClient]:
    """Returns a client that is logged in with a role."""

    def entered(role: str) -> TestClient:
        name = next(name for name, its in USERS.items() if its == role)
        client = TestClient(airflow_app, base_url=OWN, raise_server_exceptions=False)
        token = client.post("/auth/token", json={"username": name, "password": name}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        return client

    return entered


def changing(app: FastAPI, dag: str) -> Iterator[tuple[str, str]]:
    """Yields method and address of every route of Airflow that changes something of a DAG named in it."""
    for route in app.routes:
        if isinstance(route, APIRoute) and "{dag_id}" in route.path and not CHANGES_NO_DAG.search(route.path):
            path = re.sub(r"{[^}]+}", "1", route.path.replace("{dag_id}", dag))
            yield from ((method, path) for method in route.methods - {"GET", "HEAD"})


@pytest.mark.parametrize("dag", sorted(SPEND_BUDGET | DELETE))
def test_an_analyst_changes_nothing_of_a_dag_that_spends_the_budget_or_deletes(
    airflow_app: FastAPI, enter: Callable[[str], TestClient], dag: str
) -> None:
    analyst, op = enter("user"), enter("op")
    found = list(changing(airflow_app, dag))
    assert ("POST", f"/api/v2/dags/{dag}/dagRuns") in found
    assert len(found) > 12
    for method, path in found:
        assert analyst.request(method, path, json={}).status_code == 403 or _by_body(path), (method, path)
        assert op.request(method, path, json={}).status_code != 403, (method, path)


def _by_body(path: str) -> bool:
    """True for the addresses that act on what their body names; tested below."""
    return path.endswith(("/dagRuns", "/clearDagRuns", "/taskInstances")) and "/dagRuns/1/" not in path


@pytest.mark.parametrize("dag", sorted(SPEND_BUDGET | DELETE))
def test_nor_by_a_body_that_names_it(enter: Callable[[str], TestClient], dag: str) -> None:
    run, task = {"dag_id": dag, "dag_run_id": "r"}, {"dag_id": dag, "dag_run_id": "r", "task_id": "t"}
    update = {"action": "update", "entities": [run | {"state": "queued"}]}
    backfill = {"dag_id": dag, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
    attempts: list[tuple[str, str, Any]] = [
        ("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None, "conf": {}}),
        ("PATCH", "/api/v2/dags/~/dagRuns", {"actions": [update]}),
        ("PATCH", f"/api/v2/dags/{dag}/dagRuns", {"actions": [update]}),
        ("PATCH", "/api/v2/dags/similar_users/dagRuns", {"actions": [update]}),
        ("POST", "/api/v2/dags/~/clearDagRuns", {"dag_runs": [run]}),
        ("POST", f"/api/v2/dags/{dag}/clearDagRuns", {"dag_runs": [run]}),
        ("POST", "/api/v2/backfills", backfill),
        ("POST", "/api/v2/backfills/dry_run", backfill),
        (
            "PATCH",
            "/api/v2/dags/~/dagRuns/~/taskInstances",
            {"actions": [{"action": "update", "entities": [task | {"new_state": "success"}]}]},
        ),
        ("PATCH", "/api/v2/dags?dag_id_pattern=%", {"is_paused": True}),
        ("POST", "/api/v2/assets/1/materialize", {}),
        ("POST", "/api/v2/assets/events", {"asset_id": 1, "extra": {}}),
    ]
    analyst = enter("user")
    for method, path, body in attempts:
        answer = analyst.request(method, path, json=body)
        assert answer.status_code == 403, (method, path, answer.text)


def test_the_refusal_says_why_and_who_may(enter: Callable[[str], TestClient]) -> None:
    answer = enter("user").post("/api/v2/dags/private_models/dagRuns", json={"logical_date": None})
    assert answer.status_code == 403
    assert "spends the privacy budget" in answer.json()["detail"]
    assert "op and admin" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("user", 404), ("op", 404), ("admin", 404)])
def test_who_starts_what_spends_nothing(enter: Callable[[str], TestClient], role: str, status: int) -> None:
    """404: Airflow looks for the DAG, which this empty database does not have."""
    for dag in ("similar_users", "shap_reports", "reconcile_stores"):
        answer = enter(role).post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None})
        assert answer.status_code == status


@pytest.mark.parametrize("role", ["viewer", "user", "op"])
def test_lists_work_for_every_role(enter: Callable[[str], TestClient], role: str) -> None:
    client = enter(role)
    assert client.get("/api/v2/dags").status_code == 200
    assert client.get("/ui/dags").status_code == 200
    assert client.get("/api/v2/dags/~/dagRuns").status_code == 200
    assert client.post("/api/v2/dags/~/dagRuns/list", json={}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v2/dags/similar_users/dagRuns/r/taskInstances/find/logs/1",
        "/api/v2/dags/similar_users/dagRuns/r/taskInstances/find/externalLogUrl/1",
        "/api/v2/dags/similar_users/dagRuns/r/taskInstances/find/xcomEntries",
        "/api/v2/dags/similar_users/dagRuns/r/taskInstances/find/xcomEntries/return_value",
        "/api/v2/dags/~/dagRuns/~/taskInstances/~/xcomEntries",
    ],
)
def test_viewers_read_neither_task_logs_nor_xcom(enter: Callable[[str], TestClient], path: str) -> None:
    assert enter("viewer").get(path).status_code == 403
    assert enter("user").get(path).status_code != 403


@pytest.mark.parametrize("dag", ["similar_users", "shap_reports"])
def test_an_analyst_changes_no_xcom(enter: Callable[[str], TestClient], dag: str) -> None:
    """Tasks act on what they read there."""
    entries = f"/api/v2/dags/{dag}/dagRuns/r/taskInstances/find/xcomEntries"
    forged = {"key": "return_value", "value": {"path": "/dev/zero"}}
    attempts = [
        ("POST", entries, forged),
        ("PATCH", f"{entries}/return_value", {"value": {"path": "/dev/null"}}),
        ("DELETE", f"{entries}/return_value", None),
    ]
    for method, path, body in attempts:
        assert enter("user").request(method, path, json=body).status_code == 403, (method, path)
        assert enter("op").request(method, path, json=body).status_code == 404, (method, path)


class Generous:
    """An auth manager that lets everybody do everything; FAB's is as generous to analysts with assets."""

    def is_authorized_asset(self, *, method: str, user: Any, details: Any = None) -> bool:
        return True

    is_authorized_asset_alias = is_authorized_asset


@pytest.mark.parametrize("question", ["is_authorized_asset", "is_authorized_asset_alias"])
def test_no_auth_manager_lets_an_analyst_make_an_event_of_an_asset(plugin: ModuleType, question: str) -> None:
    from fastapi import HTTPException

    from vitrine_roles import narrowed

    ask = getattr(narrowed(Generous, lambda user: [user])(), question)
    for role in ("Viewer", "User", "Custom"):
        assert ask(method="GET", user=role)
        with pytest.raises(HTTPException, match="op and admin"):
            ask(method="POST", user=role)
    assert ask(method="POST", user="Op")
