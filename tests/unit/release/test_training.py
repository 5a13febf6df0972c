"""The tasks of `private_models`: what is charged, read, released, and kept private."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from support.extracts import BLOCK_MS, NEWEST, a_ledger, train, write_extract

from ml.budget.account import NotCharged
from ml.budget.ledger import Ledger, now
from ml.budget.memory import InMemoryAccounts
from ml.budget.settings import BudgetSettings
from ml.features import schema as schemas
from ml.folder_digest import folder_digest
from ml.models import model_store
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import EXACT_METRICS, NO_LEDGER
from ml.release import extract
from ml.release import job as training
from ml.release.artifact_store import ArtifactStore
from ml.release.charging import charge_run
from ml.release.request import MOST_SESSIONS, TrainingRequest, of_run
from ml.release.run_type import RunType
from ml.release.scope import ReadScope
from streaming.contract.consent import ALL_AGREED, Sources
from streaming.contract.session import Consent
from streaming.data_folder.layout import DataLayout

REFUSES = Consent(training=False)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, books = tmp_path_factory.mktemp("data"), a_ledger()
    write_extract(folder / "extracts", users=1_500)
    with pytest.MonkeyPatch.context() as patch:
        # With so few rows and unseeded randomness a sound trainer would sometimes return a poor model.
        patch.setattr(training, "SystemRandomness", lambda: SeededRandomness(1))
        metrics = train(folder, TrainingRequest("run-1", epsilon=4, metrics_epsilon=8), books)
    return {"folder": folder, "models": folder / "models" / "run-1", "metrics": metrics, "books": books}


def trusted(trained: dict[str, Any]) -> Any:
    return json.loads((trained["folder"] / "trusted" / "run-1" / "trusted.json").read_text())


def test_metrics_are_saved_with_the_models(trained: dict[str, Any]) -> None:
    models, metrics = trained["models"], trained["metrics"]
    assert json.loads((models / "metrics.json").read_text()) == metrics
    assert json.loads((models / "run.json").read_text()) == {
        "dag_run_id": "manual__1",
        "params": {"epsilon": 4},
    }
    assert model_store.names(models) == [kind.name for kind in model_store.PRIVATE]
    by = {model["model"]: model for model in metrics["models"]}
    assert by["boosted_trees"]["statement"]["unit"] == "user within a block of 7 days"
    assert by["boosted_trees"]["statement"]["most_rows_per_unit"] == MOST_SESSIONS


def test_published_figures_are_close_to_exact_ones(trained: dict[str, Any]) -> None:
    exact = {model["model"]: model for model in trusted(trained)["models"]}
    assert list(exact) == list(model_store.KINDS)
    assert exact["boosted_trees"]["roc_auc"] > 0.75
    for model in trained["metrics"]["models"]:
        within = 5 * model["roc_auc_noise"] + 0.03  # the noise, and ties within a bin
        assert abs(model["roc_auc"] - exact[model["model"]]["roc_auc"]) < within


def test_what_is_not_private_stays_on_the_trusted_side(trained: dict[str, Any]) -> None:
    folder = trained["folder"] / "trusted" / "run-1"
    assert model_store.names(folder) == [model_store.NON_PRIVATE.name, model_store.BASELINE.name]
    assert trusted(trained)["train_rows"] + trusted(trained)["test_rows"] == 4_500
    assert len(trusted(trained)["snapshot"]) == 1
    assert (trained["folder"] / "trusted").stat().st_mode & 0o077 == 0
    released = b"".join(path.read_bytes() for path in trained["models"].rglob("*.json"))
    for exact in trusted(trained)["models"]:
        assert str(exact["roc_auc"]).encode() not in released
        assert str(exact["calibration_error"]).encode() not in released


def test_models_contain_no_user(trained: dict[str, Any]) -> None:
    for kind in ("models", "trusted"):
        for path in (trained["folder"] / kind).rglob("*.*"):
            assert b"SECRET" not in path.read_bytes(), path


def test_the_statement_names_its_charge_and_claims_what_the_ledger_proves(trained: dict[str, Any]) -> None:
    account = trained["books"].account()
    [charge] = account.charges
    assert charge.blocks == (NEWEST,)
    assert account.block(NEWEST).spent == charge.cost
    for model in trained["metrics"]["models"]:
        statement = model["statement"]
        assert charge.key in statement["ledger"]
        assert "one user's sessions of one block" in statement["ledger"]
        assert NO_LEDGER not in statement["not_yet_proven"]
        assert EXACT_METRICS not in statement["not_yet_proven"]
    assert (
        trained["metrics"]["charge"]["left"][0]["epsilon_left"] == 1_000 - account.block(NEWEST).epsilon_spent
    )


def test_a_retry_returns_what_was_released(trained: dict[str, Any]) -> None:
    order = TrainingRequest("run-1", epsilon=4, metrics_epsilon=8)
    before = folder_digest(trained["models"])
    assert train(trained["folder"], order, trained["books"]) == trained["metrics"]
    assert folder_digest(trained["models"]) == before
    assert trained["books"].account().charged == 1


def test_the_log_reveals_nothing_about_the_data(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    write_extract(tmp_path / "extracts", users=200)
    monkeypatch.setattr(model_store, "PRIVATE", (model_store.PRIVATE[1],))
    train(tmp_path, TrainingRequest("r", laplace=False), a_ledger())
    exact = json.loads((tmp_path / "trusted" / "r" / "trusted.json").read_text())
    told = [record.getMessage() for record in caplog.records]
    assert any("logistic_regression trained" in line for line in told)
    for secret in (exact["train_rows"], exact["test_rows"], *(m["roc_auc"] for m in exact["models"])):
        assert not any(str(secret)[:6] in line.replace("-", " ").split() for line in told)


def test_only_charged_blocks_are_read(tmp_path: Path) -> None:
    write_extract(tmp_path, users=40, blocks=3)
    schema, there = schemas.load(training.SCHEMA), extract.list_available(tmp_path, BLOCK_MS)
    assert there.blocks == [NEWEST, NEWEST - BLOCK_MS, NEWEST - 2 * BLOCK_MS]
    every = ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms)
    assert sum(map(len, extract.read(tmp_path, schema, every))) == 360
    middle = ReadScope((NEWEST - BLOCK_MS,), BLOCK_MS, there.until_ms)
    train_rows, test_rows = extract.read(tmp_path, schema, middle)
    assert len(train_rows) + len(test_rows) == 120
    assert len(set(train_rows.unit) | set(test_rows.unit)) == 40
    earlier = ReadScope((NEWEST,), BLOCK_MS, NEWEST + 7)
    assert sum(map(len, extract.read(tmp_path, schema, earlier))) == 7


def test_no_user_is_on_both_sides_and_each_block_is_a_unit(tmp_path: Path) -> None:
    write_extract(tmp_path, users=40, blocks=2)
    there = extract.list_available(tmp_path, BLOCK_MS)
    rows = extract.read(
        tmp_path,
        schemas.load(training.SCHEMA),
        ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms),
    )
    sizes = [len(np.unique(side.unit)) for side in rows]
    assert sum(sizes) == 80
    assert not sizes[0] % 2
    assert not sizes[1] % 2
    assert not set(rows[0].unit) & set(rows[1].unit)


def test_over_budget_a_run_is_refused_before_a_row_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_extract(tmp_path / "extracts", users=40, blocks=2)
    books = a_ledger(epsilon=3.0)
    assert "key" in charge_run(TrainingRequest("first"), books, tmp_path / "extracts", 0)

    def read(*_: object) -> None:
        raise AssertionError("a row was read")

    monkeypatch.setattr(pyarrow.dataset, "dataset", read)
    refused = charge_run(TrainingRequest("second"), books, tmp_path / "extracts", 0)["refused"]
    assert "of epsilon 3 spent" in refused
    assert "budget set" in refused
    with pytest.raises(NotCharged):
        training.run(
            TrainingRequest("second"),
            books,
            tmp_path / "extracts",
            ArtifactStore(DataLayout(tmp_path)),
            "x",
            {},
            ALL_AGREED,
        )


def test_a_requested_block_must_exist(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=4)
    refused = charge_run(TrainingRequest("r", blocks=("1999-01-01",)), a_ledger(), tmp_path / "extracts", 0)[
        "refused"
    ]
    assert "no sessions were extracted for 1998-12-31 to 1999-01-07" in refused


@pytest.mark.parametrize("automatic", [True, False])
def test_a_ledger_that_lost_its_document_charges_nothing(tmp_path: Path, automatic: bool) -> None:
    write_extract(tmp_path / "extracts", users=4)
    accounts = InMemoryAccounts()
    books = Ledger(accounts, accounts.outer, "sessions", BudgetSettings(epsilon=1_000.0))
    charge_run(TrainingRequest("first"), books, tmp_path / "extracts", 0)
    accounts.by_dataset.clear()
    answer = charge_run(TrainingRequest("second", automatic=automatic), books, tmp_path / "extracts", 0)
    assert list(answer) == ["broken"]
    assert "shorter" in answer["broken"]
    assert "accept-restored" in answer["broken"]
    assert accounts.by_dataset == {}


def test_extractions_do_not_spend_the_budget_at_once(trained: dict[str, Any]) -> None:
    extracts = trained["folder"] / "extracts"
    skipped = charge_run(TrainingRequest("run-2", automatic=True), trained["books"], extracts, every_h=20)
    assert "Trigger the DAG" in skipped["too_soon"]
    assert trained["books"].account().charged == 1


def test_an_extraction_on_a_spent_budget_is_no_failure_no_matter_how_soon(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=40)
    books = a_ledger(epsilon=3.0)
    key = charge_run(TrainingRequest("first", automatic=True), books, tmp_path / "extracts", every_h=20)[
        "key"
    ]
    books.release(key, "digest", "attempt", now())
    for every_h in (0, 20):
        answer = charge_run(TrainingRequest("second", automatic=True), books, tmp_path / "extracts", every_h)
        assert "of epsilon 3 spent" in answer.pop("spent")
        assert answer == {}
    assert "refused" in charge_run(TrainingRequest("second"), books, tmp_path / "extracts", every_h=20)
    assert books.account().charged == 1


def test_a_run_started_by_a_person_is_never_too_soon(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=40)
    books = a_ledger()
    first = charge_run(TrainingRequest("first", automatic=True), books, tmp_path / "extracts", every_h=20)
    books.release(first["key"], "digest", "attempt", now())
    assert "key" in charge_run(TrainingRequest("second"), books, tmp_path / "extracts", every_h=20)
    # A retry of the first run is charged already, so it is never too soon.
    assert (
        charge_run(TrainingRequest("first", automatic=True), books, tmp_path / "extracts", every_h=20)
        == first
    )
    assert [charge.automatic for charge in books.account().charges] == [True, False]


@pytest.mark.parametrize("run_type", RunType)
def test_the_run_type_determines_whether_a_run_is_automatic(run_type: RunType) -> None:
    asked_for = {"manual", "backfill", "asset_materialization"}
    assert of_run({"blocks": None}, "run", str(run_type)).automatic is (run_type not in asked_for)


@pytest.mark.parametrize("unknown", ["DagRunType.ASSET_TRIGGERED", "ASSET_TRIGGERED", "asset", "", "None"])
def test_an_unknown_type_of_run_is_refused(unknown: str) -> None:
    with pytest.raises(ValueError, match=r"Nothing was charged.*dag_run\.run_type\.value"):
        of_run({"blocks": None}, "run", unknown)


def test_without_an_extract_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="extract_sessions"):
        charge_run(TrainingRequest("r"), a_ledger(), tmp_path, 0)


def test_a_visit_that_begins_with_its_purchase_is_not_learned_from(tmp_path: Path) -> None:
    write_extract(tmp_path, users=10)
    [file] = tmp_path.iterdir()
    rows = pq.read_table(file).to_pylist()
    for row in rows[:7]:
        row |= {"viewed": 0.0, "carted": 0.0, "removed": 0.0, "purchaseMade": True}
    for row, some in zip(rows[7:10], ("viewed", "carted", "removed"), strict=True):
        row |= {"viewed": 0.0, "carted": 0.0, "removed": 0.0, some: 1.0}
    pq.write_table(pa.Table.from_pylist(rows), file)
    there = extract.list_available(tmp_path, BLOCK_MS)
    span = ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms)
    assert sum(map(len, extract.read(tmp_path, schemas.load(training.SCHEMA), span))) == 30 - 7


def said_of(file: Path, answers: Sequence[bool | None]) -> None:
    """Gives the first rows of an extract these answers to training."""
    table = pq.read_table(file)
    said = [*answers, *[None] * (len(table) - len(answers))]
    at = table.schema.get_field_index("training")
    pq.write_table(table.set_column(at, "training", pa.array(said, pa.bool_())), file)


def test_only_sessions_whose_users_agree_to_training_are_read(tmp_path: Path) -> None:
    write_extract(tmp_path, users=10)
    [file] = tmp_path.iterdir()
    said_of(file, [False] * 4 + [True] * 5)
    there, schema = extract.list_available(tmp_path, BLOCK_MS), schemas.load(training.SCHEMA)
    span = ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms)
    for by_feed, left_out in (({}, 4), ({"live": Consent(training=False)}, 25), ({"x": REFUSES}, 4)):
        sources = Sources(by_feed)
        assert sum(map(len, extract.read(tmp_path, schema, span, sources))) == 30 - left_out
        assert extract.count_refused(tmp_path, span, sources) == left_out


def test_what_one_unit_says_of_training_changes_no_other_units_rows(tmp_path: Path) -> None:
    """As the neighbouring relation has it: without a unit's consent the rows of all others are the same."""
    write_extract(tmp_path, users=10)
    [file] = tmp_path.iterdir()
    there, schema = extract.list_available(tmp_path, BLOCK_MS), schemas.load(training.SCHEMA)
    span = ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms)

    def rows() -> Counter[tuple[int, bytes, int]]:
        sides = extract.read(tmp_path, schema, span)
        return Counter(
            (int(u), x.tobytes(), int(y)) for s in sides for u, x, y in zip(s.unit, s.x, s.y, strict=True)
        )

    before = rows()
    said_of(file, [None, False, *[None] * 9, False])  # two of the three sessions of the second user
    assert sum((before - rows()).values()) == 2
    assert not rows() - before
    [unit] = {unit for unit, _, _ in before - rows()}
    assert sum(count for (of, _, _), count in rows().items() if of == unit) == 1


def test_the_number_of_sessions_left_out_stays_on_the_trusted_side(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=100)
    [file] = (tmp_path / "extracts").iterdir()
    said_of(file, [False] * 77)
    metrics = train(tmp_path, TrainingRequest("run-1"), a_ledger())
    exact = json.loads((tmp_path / "trusted" / "run-1" / "trusted.json").read_text())
    assert exact["without_consent"] == 77
    assert exact["train_rows"] + exact["test_rows"] == 300 - 77
    assert "without_consent" not in json.dumps(metrics)


def test_extracts_of_an_earlier_version_are_neither_charged_nor_read(tmp_path: Path) -> None:
    folder, books = tmp_path / "extracts", a_ledger()
    write_extract(folder, users=4, blocks=2)
    there, file = extract.list_available(folder, BLOCK_MS), min(folder.iterdir())
    table = pq.read_table(file)
    pq.write_table(table.append_column("hour", pa.array([0] * len(table))), file)
    with pytest.raises(extract.NoExtract, match=rf"1 of the 2 files .*{file.name}: run extract_sessions"):
        charge_run(TrainingRequest("r"), books, folder, 0)
    assert books.account().charged == 0
    with pytest.raises(extract.NoExtract, match="an earlier version"):
        extract.read(
            folder,
            schemas.load(training.SCHEMA),
            ReadScope(tuple(there.blocks), BLOCK_MS, there.until_ms),
        )


def test_training_on_one_user_says_what_to_do(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=1)
    with pytest.raises(ValueError, match="too few users who agree"):
        train(tmp_path, TrainingRequest("r"), a_ledger())
    assert not (tmp_path / "models").exists()
