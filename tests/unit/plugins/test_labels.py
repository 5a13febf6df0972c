"""The page that turns a label back into an id: who may, and that it is recorded first."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from streaming.access_record.file import stored_record
from streaming.access_record.label import label

IDS = ["u1", "<b>u2", "u3"]


@pytest.fixture(autouse=True)
def stored(plugin: ModuleType, reports_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Users are in Elasticsearch, sessions in MongoDB."""
    import vitrine_labels

    index = SimpleNamespace(ids=lambda field: iter(IDS), close=lambda: None)
    sessions = SimpleNamespace(ids=lambda: iter(IDS))
    monkeypatch.setattr(vitrine_labels, "Figures", lambda settings: index)
    monkeypatch.setattr(vitrine_labels, "MongoSessions", lambda settings: sessions)


def entries(reports_dir: Path) -> list[dict[str, str]]:
    files = reports_dir.parent.glob("accesses/*.jsonl")
    return [json.loads(line) for file in files for line in file.open()]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("user", 403), ("op", 200), ("admin", 200)])
@pytest.mark.parametrize("kind", ["user", "session"])
def test_op_and_admin_find_out_whose_it_is(
    enter: Callable[[str], TestClient], reports_dir: Path, role: str, status: int, kind: str
) -> None:
    shown = stored_record().label(kind, "<b>u2")  # type: ignore[arg-type]
    client = enter(role)
    assert client.get("/label").status_code == status
    answer = client.post("/label", data={"label": f" {shown} ", "why": "a complaint"})
    assert answer.status_code == status
    assert ("&lt;b&gt;u2" in answer.text) == (status == 200)
    assert "<b>u2" not in answer.text
    looks = [(one["who"], one["did"], one["whose"], one["why"]) for one in entries(reports_dir)]
    whose = stored_record().whose(kind, "<b>u2")  # type: ignore[arg-type]
    assert looks == ([(f"airflow:the {role}", "look-up", whose, "a complaint")] if status == 200 else [])


def test_a_label_holds_until_the_end_of_the_next_day(enter: Callable[[str], TestClient]) -> None:
    today, key = datetime.now(UTC).date(), stored_record().key()
    for days, found in ((1, True), (3, False)):
        old = label(key, "user", "u3", today - timedelta(days=days))
        answer = enter("op").post("/label", data={"label": old, "why": "x"})
        assert (">u3<" in answer.text) == found


@pytest.mark.parametrize("form", [{"label": "u1", "why": "x"}, {"label": "user-000000000000", "why": ""}, {}])
def test_what_is_no_question_shows_and_records_nothing(
    enter: Callable[[str], TestClient], reports_dir: Path, form: dict[str, str]
) -> None:
    answer = enter("op").post("/label", data=form)
    assert 'role="alert"' in answer.text
    assert not entries(reports_dir)


def test_bad_bytes_and_long_bodies_are_refused(enter: Callable[[str], TestClient]) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert enter("op").post("/label", content=b"label=\xff", headers=kind).status_code == 400
    assert enter("op").post("/label", content=b"label=%ff", headers=kind).status_code == 400
    assert enter("op").post("/label", content=b"x" * 3_000, headers=kind).status_code == 413


def test_what_cannot_be_recorded_is_not_shown(enter: Callable[[str], TestClient], reports_dir: Path) -> None:
    shown = stored_record().label("user", "u3")
    folder = reports_dir.parent / "accesses"
    (folder / f"{datetime.now(UTC):%Y-%m}.jsonl").mkdir()
    answer = enter("op").post("/label", data={"label": shown, "why": "x"})
    assert answer.status_code == 503
    assert ">u3<" not in answer.text


def test_a_look_that_finds_nobody_is_recorded_too(
    enter: Callable[[str], TestClient], reports_dir: Path
) -> None:
    answer = enter("op").post("/label", data={"label": "user-000000000000", "why": "a guess"})
    assert "Nobody has this label" in answer.text
    [entry] = entries(reports_dir)
    assert (entry["did"], entry["what"], entry["why"]) == ("look-up", "user-000000000000", "a guess")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://evil.example", "null"])
def test_a_page_of_another_server_looks_nobody_up(
    enter: Callable[[str], TestClient], reports_dir: Path, origin: str
) -> None:
    """The browser of an op sends the session along to another port of the same machine."""
    form = {"label": stored_record().label("user", "u3"), "why": "invented"}
    client = enter("op")
    own = f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"
    assert client.post("/label", data=form, headers={"Origin": origin}).status_code == 403
    assert not entries(reports_dir)
    assert client.post("/label", data=form, headers={"Origin": own}).status_code == 200
