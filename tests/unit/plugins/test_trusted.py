"""Pages about single persons and exact figures: which of Airflow's roles may open them, and what they
show."""

import asyncio
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow.api_fastapi.app import create_auth_manager
from bson.int64 import Int64
from fastapi.testclient import TestClient

from streaming.access_record.file import stored_record
from streaming.dashboards.figures import Holdings, PanelFigures
from streaming.dashboards.query import TimeRange
from streaming.dashboards.source import Dashboard
from streaming.stores import StoreUnavailable

SECRET = "SECRET-session"
RUN = "run-1"
ASKED = {"session": SECRET, "model": f"{RUN}/boosted_trees"}
ANSWER = {
    "statement": {"epsilon": 1.0, "delta": 1e-5, "unit": "user"},
    "results": [
        {
            "score": 0.73,
            "base": 0.0,
            "reasons": [
                {"feature": "cart value", "value": "<b>", "shap": 1.2, "says": "raises the odds 3.3-fold"},
                {"feature": "device", "value": "mobile", "shap": -0.4, "says": "lowers the odds by 33%"},
            ],
        }
    ],
}


@pytest.fixture
def data(reports_dir: Path) -> Path:
    """A run with a report, one model and its exact figures."""
    folder = reports_dir.parent
    (reports_dir / f"{RUN}.json").write_text(
        json.dumps({"title": "What drives a purchase", "created": "2026"})
    )
    (reports_dir / f"{RUN}.html").write_text("<!doctype html>")
    (folder / "models" / RUN / "boosted_trees").mkdir(parents=True)
    (folder / "models" / RUN / "boosted_trees" / "statement.json").write_text("{}")
    (folder / "models" / RUN / "metrics.json").write_text("{}")
    exact = {
        "train_rows": 12_345,
        "test_rows": 3_000,
        "without_consent": 4_321,
        "models": [
            {"model": "boosted_trees", "private": True, "epsilon": 1.0, "roc_auc": 0.8811, "f1": 0.5},
            {"model": "xgboost", "private": False, "epsilon": None, "roc_auc": 0.9, "f1": 0.6},
        ],
    }
    (folder / "trusted" / RUN).mkdir(parents=True)
    (folder / "trusted" / RUN / "trusted.json").write_text(json.dumps(exact))
    return folder


@pytest.fixture
def client(plugin: ModuleType, data: Path) -> Iterator[TestClient]:
    create_auth_manager().init()
    with TestClient(plugin.app) as client:
        yield client


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, plugin: ModuleType) -> dict[str, Any]:
    """One stored session, and a stand-in for the scoring process; returns the command and input it was
    given."""
    import vitrine_trusted

    asked: dict[str, Any] = {}
    stored = {SECRET: {"_id": SECRET, "arrivedAtMs": Int64(1_770_000_000_000)}}
    monkeypatch.setattr(vitrine_trusted, "MongoSessions", lambda settings: SimpleNamespace(find=stored.get))

    def run(command: list[str], **more: Any) -> Any:
        asked.update(command=command, input=more["input"])
        return subprocess.CompletedProcess(command, 0, json.dumps(ANSWER).encode(), b"")

    monkeypatch.setenv("VITRINE_MAIN_PYTHON", "/python")
    monkeypatch.setattr("ml.score.client.subprocess.run", run)
    return asked


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("user", 403), ("op", 200), ("admin", 200)])
def test_only_users_who_may_see_connections_may_open_the_pages(
    enter: Callable[[str], TestClient], store: dict[str, Any], role: str, status: int
) -> None:
    client = enter(role)
    assert client.get("/why").status_code == status
    assert client.post("/why", data=ASKED).status_code == status
    assert client.get(f"/reports/{RUN}/exact").status_code == status
    assert bool(store) == (status == 200), "a refused request reads nothing"
    assert client.get("/reports").status_code == 200, "public pages are open to every role"


@pytest.mark.parametrize(("role", "sees"), [("viewer", False), ("user", True), ("op", True), ("admin", True)])
def test_a_dashboard_shows_single_persons_by_a_label_and_not_to_viewers(
    enter: Callable[[str], TestClient],
    plugin: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    data: Path,
    role: str,
    sees: bool,
) -> None:
    import vitrine_persons

    vitrine_persons._recorded.clear()
    asked: list[str] = []

    def answer(dashboard: Dashboard, times: TimeRange, feed: str | None) -> list[PanelFigures]:
        asked.extend(panel.id for panel in dashboard.panels)
        return [PanelFigures(panel.id, 1, [{"key": SECRET}]) for panel in dashboard.panels if panel.persons]

    index = SimpleNamespace(holdings=lambda: Holdings([], None), of=answer)
    monkeypatch.setattr(plugin, "figures", lambda: index)
    client = enter(role)
    panels = [panel["id"] for panel in client.get("/dashboards/user_analysis/source").json()["panels"]]
    answered = client.get("/dashboards/user_analysis/figures")
    assert asked == panels, "a panel that is not shown is not queried"
    assert SECRET not in answered.text
    label = stored_record().label("user", SECRET)
    assert ("top_returning_users" in panels) == (label in answered.text) == sees
    assert "users_by_country" in panels
    assert answered.status_code == 200
    client.get("/dashboards/user_analysis/figures")
    looks = [(one["who"], one["did"], one["whose"]) for one in lines(data)]
    whose = stored_record().whose("user", SECRET)
    assert looks == ([(f"airflow:the {role}", "single visitors", whose)] if sees else []), "once a day"


def test_without_a_record_no_single_person_is_shown(
    enter: Callable[[str], TestClient], plugin: ModuleType, monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    import vitrine_persons

    vitrine_persons._recorded.clear()
    (data / "accesses").write_text("no folder")
    rows = [PanelFigures("top_returning_users", 1, [{"key": SECRET}])]
    index = SimpleNamespace(holdings=lambda: Holdings([], None), of=lambda *_: rows)
    monkeypatch.setattr(plugin, "figures", lambda: index)
    answer = enter("user").get("/dashboards/user_analysis/figures")
    assert answer.status_code == 503
    assert "cannot be written" in answer.text


def test_every_page_needs_a_login(client: TestClient, store: dict[str, Any]) -> None:
    for path in ("/why", f"/reports/{RUN}/exact"):
        assert client.get(path).status_code == 401
    assert client.post("/why", data=ASKED).status_code == 401
    assert not store


def test_why_a_session_got_its_score(enter: Callable[[str], TestClient], store: dict[str, Any]) -> None:
    answer = enter("admin").post("/why", data=ASKED)
    assert "73 %" in answer.text
    assert "raises the odds 3.3-fold" in answer.text
    assert "+1.200" in answer.text
    assert "&lt;b&gt;" in answer.text
    assert "<td><b>" not in answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    # The id is in no address and in no argument.
    assert SECRET not in " ".join(store["command"])
    assert json.loads(store["input"])["_id"] == SECRET
    assert store["command"][-2:] == [f"--run={RUN}", "--model=boosted_trees"]


@pytest.mark.parametrize(
    "model", ["", RUN, f"{RUN}/xgboost", f"../{RUN}/boosted_trees", "other/boosted_trees"]
)
def test_only_existing_models_are_used(
    enter: Callable[[str], TestClient], store: dict[str, Any], model: str
) -> None:
    assert enter("op").post("/why", data=ASKED | {"model": model}).status_code == 404
    assert not store


def test_errors_are_shown(
    enter: Callable[[str], TestClient], store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = enter("op")
    assert "No such session" in client.post("/why", data=ASKED | {"session": "x"}).text

    import vitrine_trusted

    def away(_: str) -> None:
        raise StoreUnavailable("MongoDB does not answer")

    monkeypatch.setattr(vitrine_trusted, "MongoSessions", lambda settings: SimpleNamespace(find=away))
    assert "MongoDB does not answer." in client.post("/why", data=ASKED).text


def test_who_refuses_personalisation_gets_no_explanation(
    enter: Callable[[str], TestClient], store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {**ANSWER, "results": [{"line": 1, "session": SECRET, "refused": "personalisation"}]}

    def run(command: list[str], **more: Any) -> Any:
        return subprocess.CompletedProcess(command, 1, json.dumps(refused).encode(), b"")

    monkeypatch.setattr("ml.score.client.subprocess.run", run)
    answer = enter("admin").post("/why", data=ASKED)
    assert answer.status_code == 200
    assert "has refused personalisation" in answer.text
    assert "73 %" not in answer.text


def test_exact_figures_and_their_price(enter: Callable[[str], TestClient], data: Path) -> None:
    client = enter("admin")
    text = client.get(f"/reports/{RUN}/exact").text
    assert "12,345" in text
    assert "4,321 more left out" in text
    assert "0.881" in text
    assert "0.019" in text
    assert "not private" in text
    (data / "trusted" / RUN / "trusted.json").unlink()
    assert client.get(f"/reports/{RUN}/exact").status_code == 404


def test_the_log_names_nobody(
    enter: Callable[[str], TestClient], store: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        enter("admin").post("/why", data=ASKED)
    assert "airflow:the admin asks why a stored session got its score" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("length", [4_097, 1_000_000])
def test_a_long_body_is_refused(
    enter: Callable[[str], TestClient], store: dict[str, Any], length: int
) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert enter("op").post("/why", content=b"x" * length, headers=form).status_code == 413
    assert not store


def test_a_long_body_is_not_read_to_its_end(plugin: ModuleType) -> None:
    import vitrine_doors

    read: list[int] = []

    async def receive() -> dict[str, Any]:
        read.append(1_000)
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    assert asyncio.run(vitrine_doors.whole_body(receive, 4_096)) is None
    assert sum(read) == 5_000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"session=\xff\xfe"),
        ("application/x-www-form-urlencoded", b"session=%ff"),
        ("application/json", b"{not json"),
        ("application/json", b'{"session": "\xff"}'),
        ("text/plain", b"session=x"),
    ],
)
def test_bad_bytes_are_a_bad_request(
    enter: Callable[[str], TestClient], store: dict[str, Any], kind: str, body: bytes
) -> None:
    assert enter("op").post("/why", content=body, headers={"Content-Type": kind}).status_code == 400
    assert not store


def test_a_question_may_be_json(enter: Callable[[str], TestClient], store: dict[str, Any]) -> None:
    assert "73 %" in enter("op").post("/why", json=ASKED).text


def test_one_explanation_at_a_time(
    enter: Callable[[str], TestClient], store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second, while the first is being made, gets 429; the next one after it an answer."""
    client = enter("op")
    refused: list[Any] = []
    answer = subprocess.run

    def slow(command: list[str], **more: Any) -> Any:
        if not refused:
            refused.append(None)
            refused[0] = client.post("/why", data=ASKED)
        return answer(command, **more)

    monkeypatch.setattr("ml.score.client.subprocess.run", slow)
    assert "73 %" in client.post("/why", data=ASKED).text
    assert refused[0].status_code == 429
    assert int(refused[0].headers["retry-after"]) > 0
    assert "73 %" not in refused[0].text
    assert "73 %" in client.post("/why", data=ASKED).text


def test_a_failure_gives_the_next_its_turn(enter: Callable[[str], TestClient], store: dict[str, Any]) -> None:
    client = enter("op")
    for _ in range(3):
        assert "No such session" in client.post("/why", data=ASKED | {"session": "x"}).text


def lines(data: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in data.glob("accesses/*.jsonl") for line in file.open()]


def test_who_looked_at_whom_is_kept(
    enter: Callable[[str], TestClient], store: dict[str, Any], data: Path
) -> None:
    enter("op").post("/why", data=ASKED | {"why": "a complaint"})
    enter("admin").get(f"/reports/{RUN}/exact")
    enter("viewer").post("/why", data=ASKED)
    explained, exact = lines(data)
    assert (explained["who"], explained["did"]) == ("airflow:the op", "explanation")
    assert explained["what"] == f"boosted_trees of {RUN}"
    assert explained["why"] == "a complaint"
    assert explained["whose"].startswith("session:")
    assert (exact["who"], exact["did"], exact["what"]) == ("airflow:the admin", "exact figures", RUN)
    assert "whose" not in exact
    assert SECRET not in "".join(file.read_text() for file in data.glob("accesses/*.jsonl"))


def test_what_cannot_be_recorded_is_not_shown(
    enter: Callable[[str], TestClient], store: dict[str, Any], data: Path
) -> None:
    (data / "accesses").write_text("no folder")
    for answer in (enter("op").post("/why", data=ASKED), enter("op").get(f"/reports/{RUN}/exact")):
        assert answer.status_code == 503
        assert "cannot be written" in answer.text
        assert "0.881" not in answer.text
    assert not store


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("user", 403), ("op", 200), ("admin", 200)])
def test_the_record_is_shown_to_the_privileged_alone(
    enter: Callable[[str], TestClient], store: dict[str, Any], data: Path, role: str, status: int
) -> None:
    enter("op").post("/why", data=ASKED | {"why": "<b>because"})
    answer = enter(role).get("/accesses")
    assert answer.status_code == status
    assert ("airflow:the op" in answer.text) == (status == 200)
    assert ("&lt;b&gt;because" in answer.text) == (status == 200)
    assert SECRET not in answer.text
