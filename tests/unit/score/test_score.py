"""`./vitrine score` from its command line to its JSON."""

import argparse
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from bson.int64 import Int64
from msgspec.structs import replace
from support.sessions import valid_session

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.folder_digest import folder_digest
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.registry.entry import RegistryEntry
from ml.registry.memory import InMemoryRegistry
from ml.release import simulated
from ml.score import command
from ml.score.arguments import add_arguments
from streaming.access_record.file import AccessRecord, os_user, stored_record
from streaming.contract.session import Consent
from streaming.stores import StoreUnavailable

GOLDEN = (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_bytes()
METRICS = {"schema": "vitrine-session", "schema_digest": schemas.load("vitrine-session").digest}
FOUND_BY_THE_GATE = {
    "userKind": "returning",
    "late": False,
    "rawPartition": 0,
    "rawOffset": 7,
    "arrivedAtMs": 1_770_000_000_000,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs, of which `second` is the newer and has no trees."""
    folder = tmp_path_factory.mktemp("data")
    encoding, rng, unit = Encoding(schemas.load("vitrine-session")), SeededRandomness(1), Unit("user", 8)
    rows = contributions.bounded(simulated.rows(encoding, 3_000, seed=1), unit.most_rows, rng)
    for run, names in {
        "first": ("boosted_trees", "logistic_regression"),
        "second": ("logistic_regression",),
    }.items():
        for name in names:
            model_store.save(
                model_store.KINDS[name].fit(rows, encoding, Budget(4.0, 1e-5), unit, rng),
                folder / "models" / run,
            )
        (folder / "models" / run / "metrics.json").write_text(json.dumps(METRICS))
    return folder


@pytest.fixture(autouse=True)
def books(data: Path, monkeypatch: pytest.MonkeyPatch) -> InMemoryRegistry:
    """Both runs, as their DAG runs have registered them."""
    monkeypatch.setenv("VITRINE_DATA_DIR", str(data))
    found = InMemoryRegistry()
    for hour, run in enumerate(("first", "second")):
        folder = data / "models" / run
        found.put(
            RegistryEntry(
                name=run,
                dag_run_id=run,
                at=f"2026-11-24T0{hour}:00:00+00:00",
                params={},
                digest=folder_digest(folder),
                models=tuple(model_store.names(folder)),
                charge=f"{run}.key",
                blocks=(0,),
                metrics=METRICS,
                code={},
                snapshot={},
                rows={},
            )
        )
    monkeypatch.setattr(command, "stored_registry", lambda: found)
    return found


def ask(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return command.run(parser.parse_args(words))


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert ask(*words, "--json") == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def file(folder: Path, *messages: bytes) -> str:
    path = folder / "sessions.jsonl"
    path.write_bytes(b"\n".join(messages))
    return str(path)


@pytest.mark.parametrize("model", ["boosted_trees", "logistic_regression"])
def test_score_and_reasons_of_a_session(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    every = len(schemas.load("vitrine-session").features)
    found = answer(
        capsys, file(tmp_path, GOLDEN), "--run", "first", "--model", model, "--reasons", str(every)
    )
    assert (found["run"], found["model"], found["statement"]["epsilon"]) == ("first", model, 4.0)
    assert found["registered"]["charge"] == "first.key"
    [result] = found["results"]
    assert result["session"] == json.loads(GOLDEN)["sessionId"]
    assert result["not_known"] == ["userKind"]
    assert len(result["reasons"]) == every
    total = result["base"] + sum(reason["shap"] for reason in result["reasons"])
    assert total == pytest.approx(result["log_odds"], abs=1e-4)
    sizes = [abs(reason["shap"]) for reason in result["reasons"]]
    assert sizes == sorted(sizes, reverse=True)
    assert 0 < result["score"] < 1


def test_a_stored_session_has_the_fields_of_the_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = json.dumps(json.loads(GOLDEN) | FOUND_BY_THE_GATE | {"_id": "x"}).encode()
    [result] = answer(capsys, file(tmp_path, stored), "--reasons", "100")["results"]
    assert result["not_known"] == []
    assert {reason["feature"]: reason["value"] for reason in result["reasons"]}[
        "new or returning"
    ] == "returning"


def test_one_session_may_span_many_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pretty = json.dumps(json.loads(GOLDEN), indent=2).encode()
    assert len(answer(capsys, file(tmp_path, pretty))["results"]) == 1


def test_bad_lines_are_values_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, file(tmp_path, b"no json", GOLDEN, b'{"schemaVersion": 3}', b"", b"\xff"), code=1)[
        "results"
    ]
    assert [result.get("rejected") for result in found] == [
        "not_json",
        None,
        "unknown_schema_version",
        "not_utf8",
    ]
    assert found[0]["detail"]
    assert "score" in found[1]


def test_standard_input_and_the_newest_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(GOLDEN)))
    found = answer(capsys, "-", "--model", "logistic_regression")
    assert found["run"] == "second"


def test_a_model_that_has_changed_since_its_registration_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], books: InMemoryRegistry
) -> None:
    books.put(replace(books.by_name["first"], digest="another"))
    assert ask(file(tmp_path, GOLDEN), "--run", "first") == 2
    assert "has changed since it was registered" in capsys.readouterr().err
    books.by_name.clear()
    assert ask(file(tmp_path, GOLDEN)) == 2
    assert "run the DAG private_models" in capsys.readouterr().err


@pytest.mark.parametrize("metrics", [{"schema": "vitrine-session"}, METRICS | {"schema_digest": "another"}])
def test_models_of_another_schema_are_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], books: InMemoryRegistry, metrics: dict[str, Any]
) -> None:
    books.put(replace(books.by_name["first"], metrics=metrics))
    assert ask(file(tmp_path, GOLDEN), "--run", "first") == 2
    said = capsys.readouterr().err
    assert "run first: the schema" in said
    assert "private_models" in said


def test_the_answer_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(file(tmp_path, GOLDEN, b"[]"), "--run", "first") == 1
    said = capsys.readouterr().out
    assert "likely to buy" in said
    assert "the odds" in said
    assert "rejected, wrong_type" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nothing.json"], "nothing.json"),
        (["GOLDEN", "--run", "third"], "first, second"),
        (["GOLDEN", "--run", "../models/first"], "no run"),
        (["GOLDEN", "--model", "xgboost"], "must be a private model"),
        (["GOLDEN", "--run", "second", "--model", "boosted_trees"], "has no boosted_trees"),
        (["GOLDEN", "--run", "first", "--reasons", "0"], "--reasons"),
    ],
    ids=str,
)
def test_invalid_requests_are_refused_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    path = file(tmp_path, GOLDEN)
    assert ask(*[path if word == "GOLDEN" else word for word in words]) == 2
    assert says in capsys.readouterr().err


def store_of(stored: dict[str, Any], others: list[dict[str, Any]]) -> SimpleNamespace:
    return SimpleNamespace(find=stored.get, consents=lambda user: others)


@pytest.mark.parametrize("own", [None, {"personalisation": True}, {"personalisation": False}])
@pytest.mark.parametrize("other", [None, {"personalisation": True}, {"personalisation": False}])
def test_who_has_refused_personalisation_in_any_session_gets_no_score(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own: Any, other: Any
) -> None:
    consent = msgspec.convert(own, Consent | None)
    document = msgspec.to_builtins(valid_session(session_pseudonym="s1", consent=consent))
    del document["identity"]
    others = [{"_id": "s2", "feed": "live", "consent": other}]
    monkeypatch.setattr(command, "MongoSessions", lambda settings: store_of({"s1": document}, others))
    refused, before = {"personalisation": False} in (own, other), len(stored_record().newest(1_000))
    [result] = answer(capsys, "--session", "s1", code=int(refused))["results"]
    assert result["session"] == "s1"
    assert ("score" in result) is not refused
    assert result.get("refused") == ("personalisation" if refused else None)
    assert len(stored_record().newest(1_000)) - before == (not refused)


def test_a_raw_session_is_scored_as_it_or_its_feed_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def sent(**consent: bool) -> bytes:
        return json.dumps(json.loads(GOLDEN) | {"schemaVersion": 2, "consent": consent}).encode()

    lines = (sent(), sent(analytics=False), sent(personalisation=False), sent(personalisation=True))
    found = answer(capsys, file(tmp_path, *lines), code=1)["results"]
    assert [one.get("refused") for one in found] == [None, "analytics", "personalisation", None]
    monkeypatch.setenv("VITRINE_CONSENT_BY_FEED", '{"live": {"personalisation": false}}')
    found = answer(capsys, file(tmp_path, *lines), code=1)["results"]
    assert [one.get("refused") for one in found] == ["personalisation", "analytics", "personalisation", None]
    assert ask(file(tmp_path, lines[0])) == 1
    assert "no score, its user has refused personalisation" in capsys.readouterr().out


def test_a_stored_session_by_its_pseudonym(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Whole numbers as pymongo reads them; the identity is left in MongoDB.
    document = msgspec.to_builtins(valid_session(session_pseudonym="s1"))
    document |= {"_id": "s1", "rawOffset": Int64(7)}
    del document["identity"]
    stored = {"s1": document}
    monkeypatch.setattr(command, "MongoSessions", lambda settings: store_of(stored, []))
    [result] = answer(capsys, "--session", "s1", "--model", "logistic_regression")["results"]
    assert (result["session"], result["not_known"]) == ("s1", [])
    assert ask("--session", "s2") == 2

    def away(_: str) -> None:
        raise StoreUnavailable("MongoDB does not answer")

    monkeypatch.setattr(command, "MongoSessions", lambda settings: SimpleNamespace(find=away))
    assert ask("--session", "s1") == 3


def test_a_score_is_in_the_access_record_by_a_keyed_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(stored_record().newest(1_000))
    assert ask(file(tmp_path, GOLDEN, b"{}", GOLDEN), "--run", "first", "--why", "a complaint") == 1
    entries = stored_record().newest(1_000)
    assert len(entries) == before + 2, "a line that was refused got no score"
    newest, session = entries[0], json.loads(GOLDEN)["sessionId"]
    assert (newest.did, newest.who, newest.why) == ("score", os_user(), "a complaint")
    assert newest.what == "boosted_trees of first"
    assert newest.whose == stored_record().whose("session", session)
    assert session not in "".join(path.read_text() for path in data.glob("accesses/*.jsonl"))


def test_what_cannot_be_recorded_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = AccessRecord(tmp_path / "no-folder", 1)
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setattr(command, "stored_record", lambda: away)
    assert ask(file(tmp_path, GOLDEN), "--run", "first") == 3
    shown = capsys.readouterr()
    assert not shown.out
    assert "cannot be written" in shown.err


def test_the_page_has_made_the_entry_of_what_it_asks(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(stored_record().newest(1_000))
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    assert command.run(parser.parse_args([file(tmp_path, GOLDEN), "--run", "first"]), recorded=True) == 0
    assert len(stored_record().newest(1_000)) == before
