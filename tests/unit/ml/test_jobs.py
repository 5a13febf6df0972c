"""The tasks of the DAGs, from Parquet to models to report."""

import base64
import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.features import schema as schemas
from ml.features.schema import Numeric
from ml.models import shelf
from ml.privacy.seeded import SeededRandomness
from ml.reports import findings
from ml.reports import job as reports
from ml.training import extract
from ml.training import job as training


def write_extract(folder: Path, users: int) -> None:
    dice = np.random.default_rng(1)
    rows: list[dict[str, Any]] = []
    for number in range(users * 3):
        row: dict[str, Any] = {"userId": f"SECRET-user-{number % users}"}
        for feature in schemas.load(training.SCHEMA).features:
            if isinstance(feature, Numeric):
                row[feature.name] = float(feature.upper * dice.random() ** 3)
            else:
                row[feature.name] = str(dice.choice(feature.values))
        row["purchaseMade"] = bool(row["cartValueCents"] + dice.normal(0, 50_000) > 200_000)
        rows.append(row)
    folder.mkdir(parents=True)
    for part in range(2):
        pq.write_table(pa.Table.from_pylist(rows[part::2]), folder / f"part-{part}-{part + 1}.parquet")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("data")
    write_extract(folder / "extracts", users=1_500)
    with pytest.MonkeyPatch.context() as patch:
        # So few rows and real dice would now and then make a poor model of a sound trainer.
        patch.setattr(training, "SystemRandomness", lambda: SeededRandomness(1))
        metrics = training.run(
            str(folder / "extracts"),
            str(folder / "models"),
            epsilon=4,
            delta=1e-5,
            laplace=True,
            run_id="run-1",
        )
    summary = reports.run(str(folder / "models"), str(folder / "reports"), "run-1", simulated_sessions=2_000)
    return {"folder": folder, "metrics": metrics, "summary": summary}


def test_metrics_stand_beside_the_models(trained: dict[str, Any]) -> None:
    folder, metrics = trained["folder"], trained["metrics"]
    assert json.loads((folder / "models" / "metrics.json").read_text()) == metrics
    assert shelf.on(folder / "models") == list(shelf.KINDS)
    by = {model["model"]: model for model in metrics["models"]}
    assert by["boosted_trees"]["roc_auc"] > 0.75, by["boosted_trees"]
    assert by["boosted_trees"]["statement"]["unit"] == "user"
    assert by["boosted_trees"]["statement"]["most_rows_per_unit"] == training.MOST_SESSIONS


def test_no_user_is_on_both_sides(trained: dict[str, Any]) -> None:
    rows = extract.read(trained["folder"] / "extracts", schemas.load(training.SCHEMA))
    train, test = extract.split(rows)
    assert len(train) + len(test) == len(rows) == 4_500
    assert not set(train.unit) & set(test.unit)
    assert 0.1 < len(test) / len(rows) < 0.3


def test_the_report_is_one_small_file_that_fetches_nothing(trained: dict[str, Any]) -> None:
    html = (trained["folder"] / "reports" / "run-1.html").read_text()
    assert len(html.encode()) < 3_000_000
    assert "<script" not in html and "src=" not in html and "<link" not in html
    assert 'href="http' not in html
    for said in (
        "Not yet proven",
        "What is promised",
        "Boosted trees",
        "cart value",
        "What counts only together",
        "Who pays it",
        "<strong>simulated</strong> sessions",
    ):
        assert said in html


def test_the_page_carries_its_data_and_the_same_files_stand_beside_it(trained: dict[str, Any]) -> None:
    folder = trained["folder"] / "reports"
    inside = re.findall(
        r'download="([^"]+)" href="data:[a-z/]+;base64,([^"]+)"', (folder / "run-1.html").read_text()
    )
    assert [name for name, _ in inside] == ["run-1.json", "run-1.csv"]
    for name, address in inside:
        assert base64.b64decode(address) == (folder / name).read_bytes()
    with (folder / "run-1.csv").open(newline="") as file:
        visits = list(csv.DictReader(file))
    assert len(visits) == reports.EXPLAINED
    features = [feature.name for feature in schemas.load(training.SCHEMA).features]
    for visit in visits[:20]:
        for name in ("boosted_trees", "logistic_regression", "neural_network"):
            values = sum(float(visit[f"shap_{name}_{feature}"]) for feature in features)
            base = float(visit[f"log_odds_{name}"]) - values
            assert base == pytest.approx(
                float(visits[0][f"log_odds_{name}"])
                - sum(float(visits[0][f"shap_{name}_{feature}"]) for feature in features),
                abs=1e-3,
            )


def test_no_exact_figure_of_real_sessions_is_public(trained: dict[str, Any]) -> None:
    """The run's exact metrics are the owner's: neither page nor data repeats one of them."""
    public = b"".join(path.read_bytes() for path in (trained["folder"] / "reports").glob("*"))
    for model in trained["metrics"]["models"]:
        for figure in ("roc_auc", "average_precision", "accuracy", "calibration_error"):
            assert f"{model[figure]!r}".encode() not in public


def test_report_and_models_hold_nobody(trained: dict[str, Any]) -> None:
    for kind in ("reports", "models"):
        for path in (trained["folder"] / kind).rglob("*.*"):
            assert b"SECRET" not in path.read_bytes(), path


def test_the_summary_is_data(trained: dict[str, Any]) -> None:
    summary = json.loads((trained["folder"] / "reports" / "run-1.json").read_text())
    assert summary == trained["summary"]
    assert {"title", "created", "epsilon", "unproven", "models", "ranking"} <= summary.keys()
    assert [model["model"] for model in summary["models"]] == list(shelf.KINDS)
    assert summary["ranking"][0]["feature"] == "cartValueCents"
    assert max(summary["residuals"].values()) < 1e-4
    assert len(summary["pairs"]) == findings.PAIRS and 0 < summary["together"] < 1
    assert summary["price"]["sessions"] == 2_000


def test_training_without_an_extract_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="extract_sessions"):
        training.run(str(tmp_path), str(tmp_path / "out"), 1.0, 1e-5, False, "r")


def test_training_on_one_user_says_what_to_do(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=1)
    with pytest.raises(ValueError, match="too few users"):
        training.run(str(tmp_path / "extracts"), str(tmp_path / "out"), 1.0, 1e-5, False, "r")
