"""A person is asked to be erased on a page: who may, that it is recorded, and that no id stays."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from fastapi.testclient import TestClient

from streaming.access_record.file import stored_record
from streaming.person.erasure_list import stored_list
from streaming.settings import PseudonymSettings
from streaming.stores import StoreUnavailable

KEY = "a key for the tests of Vitrine"
ID = "<b>ada@example.org"


@pytest.fixture(autouse=True)
def stored(plugin: ModuleType, reports_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MongoDB has sessions of one user."""
    import vitrine_erasures

    monkeypatch.setenv("VITRINE_PSEUDONYM_KEY", KEY)
    known = PseudonymSettings().pseudonyms.user(ID)
    store = SimpleNamespace(of_user=lambda user, before_ms, most: [{}] if user == known else [])
    monkeypatch.setattr(vitrine_erasures, "MongoSessions", lambda settings: store)


def entries(reports_dir: Path) -> list[tuple[str, str]]:
    files = reports_dir.parent.glob("accesses/*.jsonl")
    found = [json.loads(line) for file in files for line in file.open()]
    assert {one["whose"] for one in found} <= {
        stored_record().whose("user", PseudonymSettings().pseudonyms.user(id_)) for id_ in (ID, "nobody")
    }
    return [(one["who"], one["did"]) for one in found]


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("user", 403), ("op", 200), ("admin", 200)])
def test_op_and_admin_ask_for_it(
    enter: Callable[[str], TestClient], reports_dir: Path, role: str, status: int
) -> None:
    client = enter(role)
    assert client.get("/erasures").status_code == status
    answer = client.post("/erasures", data={"user": ID, "why": "a letter"})
    assert answer.status_code == status
    assert "ada@" not in answer.text
    requests = stored_list().requests()
    if status != 200:
        assert requests == []
        assert entries(reports_dir) == []
        return
    assert [(one.user, one.state) for one in requests] == [
        (PseudonymSettings().pseudonyms.user(ID), "requested")
    ]
    assert f"The request {requests[0].id} is written down" in answer.text
    assert entries(reports_dir) == [(f"airflow:the {role}", "erasure")]
    shown = client.get("/erasures").text
    assert requests[0].id in shown
    assert requests[0].user not in shown


def test_whom_nobody_knows_is_not_asked_for(enter: Callable[[str], TestClient], reports_dir: Path) -> None:
    answer = enter("op").post("/erasures", data={"user": "nobody", "why": "x"})
    assert "has no session of this user id" in answer.text
    assert stored_list().requests() == []
    assert entries(reports_dir) == [("airflow:the op", "look-up")]


@pytest.mark.parametrize("form", [{"user": ID, "why": " "}, {"user": "", "why": "x"}, {}])
def test_what_is_no_request_changes_and_records_nothing(
    enter: Callable[[str], TestClient], reports_dir: Path, form: dict[str, str]
) -> None:
    answer = enter("op").post("/erasures", data=form)
    assert 'role="alert"' in answer.text
    assert not entries(reports_dir)
    assert stored_list().requests() == []


def test_bad_bytes_long_bodies_and_foreign_pages_are_refused(enter: Callable[[str], TestClient]) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert enter("op").post("/erasures", content=b"user=%ff", headers=kind).status_code == 400
    assert enter("op").post("/erasures", content=b"x" * 3_000, headers=kind).status_code == 413
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = enter("op").post("/erasures", data={"user": ID, "why": "x"}, headers=foreign)
    assert answer.status_code == 403
    assert stored_list().requests() == []


def test_without_mongodb_nothing_is_asked_for(
    enter: Callable[[str], TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailable("MongoDB does not answer")

    monkeypatch.setattr("vitrine_erasures.MongoSessions", lambda settings: SimpleNamespace(of_user=away))
    answer = enter("op").post("/erasures", data={"user": ID, "why": "x"})
    assert "MongoDB does not answer" in answer.text
    assert stored_list().requests() == []
