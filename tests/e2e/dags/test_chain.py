"""The DAGs on a running Airflow, in the order of a shop's first day: no sessions, first sessions, a past
period."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow.dataset
import pytest
from waiting import HUNG_S, until

from ml.budget.account import Raise
from ml.budget.ledger import now
from ml.budget.settings import BudgetSettings
from ml.features.session_row import COLUMNS, session_row
from ml.folder_digest import folder_digest
from ml.run_names import file_name
from streaming.contract import topics
from streaming.extraction import parquet
from streaming.kafka import clients

CHAIN = ("extract_sessions", "similar_users", "private_models", "shap_reports")
DAGS = (*CHAIN, "reconcile_stores", "retention", "person")
SESSIONS = 3_000

pytestmark = pytest.mark.timeout(12 * HUNG_S)


def _rows(shop: Any) -> dict[str, dict[str, Any]]:
    """The extracts by session; fails if a session is in two files."""
    rows = pyarrow.dataset.dataset(shop.data / "extracts" / "sessions").to_table().to_pylist()
    by_id = {row["sessionPseudonym"]: row for row in rows}
    assert len(by_id) == len(rows)
    return by_id


def _expected(documents: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["_id"]: session_row(document) for document in documents}


def _woken(shop: Any, dag: str) -> list[dict[str, Any]]:
    return [run for run in shop.runs(dag) if run["run_type"] == "asset_triggered"]


TRAINED = dict.fromkeys(("require_extract", "charge", "within_budget", "train", "record"), "success")
UNTRAINED = TRAINED | dict.fromkeys(("within_budget", "train", "record"), "skipped")


def _trained(shop: Any) -> list[dict[str, Any]]:
    """The run of private_models that the first extraction woke. Those woken since came too soon after it."""
    first, *later = _woken(shop, "private_models")
    assert shop.states(first) == TRAINED
    for run in later:
        assert shop.states(run) == UNTRAINED
    return [first]


def _models_woken_anew(shop: Any, seed: int) -> dict[str, Any]:
    """Sends a few sessions, extracts them, and returns the run of private_models that this woke."""
    shop.quiet("extract_sessions", "private_models")
    shop.send(100, seed)
    extraction = shop.run("extract_sessions")
    assert shop.states(extraction)["extract"] == "success"

    def woken() -> dict[str, Any] | None:
        return next(
            (run for run in _woken(shop, "private_models") if extraction["dag_run_id"] in shop.wakers(run)),
            None,
        )

    run = until(woken, "private_models woken by the extraction")
    assert run is not None
    return dict(shop.ended("private_models", run["dag_run_id"]))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


@pytest.fixture(scope="module")
def first_day(shop: Any) -> Any:
    """Sends the first sessions, touches nothing else, and waits for the last DAG of the chain to have run."""
    shop.send(SESSIONS, seed=7)

    def explained() -> bool:
        for dag in CHAIN:
            failed = [run for run in _woken(shop, dag) if run["state"] == "failed"]
            assert not failed, failed
        return bool(_woken(shop, "shap_reports"))

    until(explained, "the chain woken by Kafka", hung_s=4 * HUNG_S)
    shop.quiet(*CHAIN)
    return shop


def test_all_dags_exist_and_are_not_paused(shop: Any) -> None:
    until(lambda: len(shop.api.get("/dags").json()["dags"]) == len(DAGS), "all DAGs")
    assert shop.api.get("/importErrors").json()["import_errors"] == []
    assert {dag["dag_id"]: dag["is_paused"] for dag in shop.api.get("/dags").json()["dags"]} == dict.fromkeys(
        DAGS, False
    )


def test_without_sessions_the_extraction_is_skipped_with_the_reason(shop: Any) -> None:
    run = shop.run("extract_sessions")
    assert run["state"] == "success"
    assert shop.states(run) == {"await_stages": "success", "extract": "skipped"}
    assert "No session has arrived since the last extraction" in shop.log(run, "extract")
    assert shop.runs("similar_users") == []


@pytest.mark.parametrize(
    ("dag", "task", "says"),
    [
        ("similar_users", "require_extract", "run extract_sessions first"),
        ("private_models", "require_extract", "run extract_sessions first"),
        ("shap_reports", "choose", "run private_models first"),
    ],
)
def test_without_an_extract_a_run_fails_at_once_with_advice(
    shop: Any, dag: str, task: str, says: str
) -> None:
    run = shop.run(dag)
    assert run["state"] == "failed"
    assert says in shop.log(run, task)


@pytest.mark.parametrize(
    ("dag", "conf"),
    [
        ("extract_sessions", {"from": "yesterday"}),
        ("similar_users", {"threshold": 0}),
        ("private_models", {"epsilon": 17}),
        ("shap_reports", {"models": "../secrets"}),
    ],
)
def test_invalid_parameters_start_no_run(shop: Any, dag: str, conf: dict[str, object]) -> None:
    assert shop.trigger(dag, **conf).status_code == 400


def test_kafka_started_the_extraction_and_assets_the_other_dags(first_day: Any) -> None:
    for dag in CHAIN:
        assert {run["state"] for run in _woken(first_day, dag)} == {"success"}, dag


def test_extracts_equal_the_stored_sessions(first_day: Any) -> None:
    run = first_day.run("extract_sessions")
    assert run["state"] == "success"
    rows, stored = _rows(first_day), _expected(first_day.database["sessions"].find())
    assert len(stored) > SESSIONS * 0.8
    assert rows == stored
    assert set(next(iter(rows.values()))) == set(COLUMNS)


def test_every_user_has_neighbours_listed_but_those_who_refuse_personalisation(first_day: Any) -> None:
    first_day.quiet("similar_users")
    documents = list(first_day.database["similar_users"].find())
    sessions = list(first_day.database["sessions"].find())
    refusing = {one["userPseudonym"] for one in sessions if one["consent"]["personalisation"] is False}
    assert {document["_id"] for document in documents} == {
        one["userPseudonym"] for one in sessions
    } - refusing
    neighbours = {near["userPseudonym"] for document in documents for near in document["neighbours"]}
    assert refusing
    assert not neighbours & refusing
    assert any(document["neighbours"] for document in documents)
    newest = first_day.runs("similar_users")[-1]
    assert {document["run"] for document in documents} == {newest["dag_run_id"]}


def test_models_keep_their_metrics(first_day: Any) -> None:
    first_day.quiet("private_models")
    for run in _trained(first_day):
        name = file_name(run["dag_run_id"])
        metrics = json.loads((first_day.data / "models" / name / "metrics.json").read_text())
        recorded = first_day.database["model_runs"].find_one({"_id": name})
        assert recorded is not None
        assert recorded["metrics"] == metrics
        assert recorded["params"]["epsilon"] == 1.0
        assert recorded["digest"] == folder_digest(first_day.data / "models" / name)
        assert recorded["charge"] == metrics["charge"]["key"]
        assert recorded["dag_run_id"] == run["dag_run_id"]


def test_each_release_was_charged_once(first_day: Any) -> None:
    first_day.quiet("private_models")
    account = first_day.database["privacy_budget"].find_one({"_id": "sessions"})
    assert account is not None
    paid = {charge["key"].rpartition(".")[0]: charge for charge in account["charges"]}
    assert len(paid) == account["charged"] == len(_trained(first_day))
    for run in _trained(first_day):
        name = file_name(run["dag_run_id"])
        assert paid[name]["release"]["digest"] == folder_digest(first_day.data / "models" / name)


def test_a_run_over_the_budget_is_refused_at_once_with_advice(first_day: Any) -> None:
    first_day.quiet("private_models")
    before = first_day.database["privacy_budget"].find_one({"_id": "sessions"})
    run = first_day.run("private_models", epsilon=16)
    assert run["state"] == "failed"
    assert first_day.states(run)["within_budget"] == "failed"
    assert first_day.states(run)["train"] == "upstream_failed"
    log = first_day.log(run, "within_budget")
    assert "No session was read" in log
    assert "budget set" in log
    assert first_day.database["privacy_budget"].find_one({"_id": "sessions"}) == before


def test_an_extraction_soon_after_a_release_trains_nothing_and_logs_when_it_will(first_day: Any) -> None:
    run = _models_woken_anew(first_day, seed=9)
    assert run["state"] == "success"
    assert first_day.states(run) == UNTRAINED
    account = first_day.ledger().account()
    [charge] = account.charges
    assert charge.automatic
    assert charge.release is not None
    due = datetime.fromisoformat(charge.release.at) + timedelta(hours=BudgetSettings().automatic_every_h)
    log = first_day.log(run, "within_budget")
    assert f"at {due.isoformat(timespec='seconds')} or later" in log
    assert "Trigger the DAG to train now" in log


def test_an_extraction_with_a_spent_budget_trains_nothing_and_logs_advice(first_day: Any) -> None:
    ledger = first_day.ledger()
    before = ledger.account()

    def set_to(epsilon: float, block: int | None) -> None:
        ledger.set_budget(Raise(now(), "test", "a spent budget", epsilon, before.delta, block))

    set_to(0.01, None)  # a week may begin meanwhile
    for block in before.blocks:
        set_to(block.epsilon_spent, block.start_ms)
    try:
        run = _models_woken_anew(first_day, seed=10)
        assert run["state"] == "success"
        assert first_day.states(run) == UNTRAINED
        log = first_day.log(run, "within_budget")
        assert "No session was read" in log
        assert "budget set --epsilon" in log
        assert ledger.account().charges == before.charges
    finally:
        set_to(before.epsilon, None)
        for block in before.blocks:
            set_to(block.epsilon, block.start_ms)


def test_each_run_of_models_has_a_report(first_day: Any) -> None:
    first_day.quiet("private_models", "shap_reports")
    reports = first_day.data / "reports"
    explained = {run["dag_run_id"] for run in first_day.runs("shap_reports")}
    for run in _trained(first_day):
        name = file_name(run["dag_run_id"])
        assert 10_000 < (reports / f"{name}.html").stat().st_size < 3_000_000
        entry = json.loads((reports / f"{name}.json").read_text())
        assert entry["model_run_id"] == run["dag_run_id"]
        assert entry["report_run_id"] in explained


def test_no_name_or_address_has_left_the_store(first_day: Any) -> None:
    sessions = first_day.database["sessions"].find({}, {"identity": 1})
    fields = ("sessionId", "userId", "name", "email")
    personal = {session["identity"][field].encode() for session in sessions for field in fields}
    outside = [path for path in first_day.data.rglob("*") if path.is_file() and path.suffix != ".parquet"]
    assert outside
    for path in outside:
        content = path.read_bytes()
        assert not any(value in content for value in personal), path.name


def test_a_reconcile_that_cannot_compare_the_stores_fails(first_day: Any) -> None:
    """In this shop no Flink job and no index stage run, so the stages never catch up."""
    run = first_day.run("reconcile_stores", timeout_s=0)
    assert run["state"] == "failed"
    assert "The stores could not be compared" in first_day.log(run, "reconcile")


def test_a_past_period_is_extracted_again(first_day: Any) -> None:
    shop, sessions = first_day, first_day.database["sessions"]
    for dag in ("similar_users", "private_models"):
        shop.api.patch(f"/dags/{dag}", params={"update_mask": "is_paused"}, json={"is_paused": True})
    folder = shop.data / "extracts" / "sessions"
    shop.send(500, seed=8)
    shop.run("extract_sessions")
    first, *_, last = parquet.extracted(folder)
    written_at = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    [changed, removed] = sessions.find({"arrivedAtMs": {"$lt": first.to_ms}}).limit(2)
    sessions.update_one({"_id": changed["_id"]}, {"$set": {"pageViews": changed["pageViews"] + 1}})
    sessions.delete_one({"_id": removed["_id"]})

    run = shop.run(
        "extract_sessions", **{"from": _moment(first.to_ms - 60_000), "to": _moment(first.to_ms - 1)}
    )

    assert shop.states(run) == {"await_stages": "success", "extract": "success"}
    assert _rows(shop) == _expected(sessions.find())
    renewed = [name for name, at_ns in written_at.items() if (folder / name).stat().st_mtime_ns != at_ns]
    assert len(renewed) == 1
    assert first != last


def test_a_message_on_kafka_alone_starts_a_run(first_day: Any) -> None:
    first_day.quiet("extract_sessions")
    before = {run["dag_run_id"] for run in _woken(first_day, "extract_sessions")}
    kafka = first_day.kafka()
    producer = clients.producer(kafka)
    producer.produce(clients.name(kafka, topics.EXTRACTION_DUE), value=b"\xffanything")
    assert producer.flush(HUNG_S) == 0

    def woken() -> list[dict[str, Any]]:
        # The hourly run may come meanwhile.
        return [run for run in _woken(first_day, "extract_sessions") if run["dag_run_id"] not in before]

    [run] = until(woken, "a run woken by Kafka")
    assert first_day.ended("extract_sessions", run["dag_run_id"])["state"] == "success"


def test_what_has_expired_is_deleted_and_by_a_dry_run_nothing(first_day: Any) -> None:
    """Last: it takes a session from the shop."""
    sessions = first_day.database["sessions"]
    [one] = sessions.find().limit(1)
    sessions.update_one({"_id": one["_id"]}, {"$set": {"eventTimeMs": 1_500_000_000_000}})
    before = sessions.estimated_document_count()

    looked = first_day.run("retention", dry_run=True)
    assert first_day.states(looked) == {"enforce": "success", "announce": "skipped"}
    assert sessions.estimated_document_count() == before

    run = first_day.run("retention")
    assert first_day.states(run)["enforce"] == "success"
    assert sessions.estimated_document_count() == before - 1
    assert sessions.find_one({"_id": {"$in": [one["_id"], "-"]}}) is None
    kept = first_day.database["retention"].find_one({"_id": "sessions"})
    assert [deletion["deleted"] for deletion in kept["deletions"]] == [1]
