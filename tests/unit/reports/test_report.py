"""The report on a run: one file that contains its data, made without any visitor's row."""

import base64
import csv
import json
import re
from typing import Any

import pytest

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.privacy import contributions
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.release import simulated
from ml.reports import findings, job

SCHEMA = "vitrine-session"
ENCODING = Encoding(schemas.load(SCHEMA))
EXACT = 0.87654321
"""An exact figure, for the operator only."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A report on models of 3,000 sessions. Beside it lie, as in an older run, exact metrics."""
    folder, rng, unit = tmp_path_factory.mktemp("data"), SeededRandomness(1), Unit("user", 8)
    rows = contributions.bounded(simulated.rows(ENCODING, 3_000, seed=1), unit.most_rows, rng)
    for kind in model_store.PRIVATE:
        model_store.save(kind.fit(rows, ENCODING, Budget(4.0, 1e-5), unit, rng), folder / "models")
    metrics = {
        "created": "2026-11-24T12:00:00+00:00",
        "schema": SCHEMA,
        "schema_digest": ENCODING.schema.digest,
        "epsilon": 4.0,
        "delta": 1e-5,
        "unit": unit.name,
        "most_rows_per_unit": unit.most_rows,
        "models": [
            {"model": "boosted_trees", "private": True, "roc_auc": 0.8123, "roc_auc_noise": 0.0156},
            {"model": "neural_network", "private": True, "roc_auc": None, "roc_auc_noise": None},
            {"model": "xgboost", "private": False, "roc_auc": EXACT},
        ],
    }
    (folder / "models" / "metrics.json").write_text(json.dumps(metrics))
    out = folder / "reports"
    return {
        "folder": out,
        "summary": job.run(str(folder / "models"), str(out), "run-1", simulated_sessions=2_000),
    }


def test_only_private_figures_of_real_visits_are_shown(made: dict[str, Any]) -> None:
    public = b"".join(path.read_bytes() for path in made["folder"].glob("*"))
    assert str(EXACT).encode() not in public
    assert EXACT not in [model["roc_auc"] for model in made["summary"]["models"]]
    assert "0.812 ± 0.016" in (made["folder"] / "run-1.html").read_text()
    assert made["summary"]["measured"] == [{"model": "boosted_trees", "roc_auc": 0.8123, "noise": 0.0156}]


def test_the_report_is_one_small_file_that_fetches_nothing(made: dict[str, Any]) -> None:
    html = (made["folder"] / "run-1.html").read_text()
    assert len(html.encode()) < 3_000_000
    assert "<script" not in html
    assert "src=" not in html
    assert "<link" not in html
    assert 'href="http' not in html
    for said in (
        "Not yet proven",
        "The guarantees",
        "Boosted trees",
        "cart value",
        "Features that interact",
        "Price by group",
        "<strong>simulated</strong> sessions",
    ):
        assert said in html


def test_the_page_embeds_its_data_and_the_same_files_are_saved_next_to_it(made: dict[str, Any]) -> None:
    folder = made["folder"]
    inside = re.findall(
        r'download="([^"]+)" href="data:[a-z/]+;base64,([^"]+)"', (folder / "run-1.html").read_text()
    )
    assert [name for name, _ in inside] == ["run-1.json", "run-1.csv"]
    for name, address in inside:
        assert base64.b64decode(address) == (folder / name).read_bytes()
    with (folder / "run-1.csv").open(newline="") as file:
        visits = list(csv.DictReader(file))
    assert len(visits) == job.EXPLAINED
    features = [feature.name for feature in schemas.load(SCHEMA).features]
    for visit in visits[:20]:
        for name in ("boosted_trees", "logistic_regression", "neural_network"):
            values = sum(float(visit[f"shap_{name}_{feature}"]) for feature in features)
            base = float(visit[f"log_odds_{name}"]) - values
            assert base == pytest.approx(
                float(visits[0][f"log_odds_{name}"])
                - sum(float(visits[0][f"shap_{name}_{feature}"]) for feature in features),
                abs=1e-3,
            )


def test_the_summary_is_data(made: dict[str, Any]) -> None:
    summary = json.loads((made["folder"] / "run-1.json").read_text())
    assert summary == made["summary"]
    assert {"title", "created", "epsilon", "unproven", "models", "ranking"} <= summary.keys()
    assert [model["model"] for model in summary["models"]] == list(model_store.KINDS)
    assert "cartValueCents" in [ranked["feature"] for ranked in summary["ranking"][:3]]
    assert max(summary["residuals"].values()) < 1e-4
    assert len(summary["pairs"]) == findings.PAIRS
    assert 0 < summary["together"] < 1
    assert summary["price"]["sessions"] == 2_000
