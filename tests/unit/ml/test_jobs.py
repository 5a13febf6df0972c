"""The tasks of the DAGs, from Parquet to models."""

import json
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
    return {"folder": folder, "metrics": metrics}


def test_metrics_stand_beside_the_models(trained: dict[str, Any]) -> None:
    folder, metrics = trained["folder"], trained["metrics"]
    assert json.loads((folder / "models" / "metrics.json").read_text()) == metrics
    assert shelf.on(folder / "models") == list(shelf.KINDS)
    by = {model["model"]: model for model in metrics["models"]}
    assert by["boosted_trees"]["roc_auc"] > 0.75, by["boosted_trees"]
    assert by["boosted_trees"]["statement"]["unit"] == "user"
    assert by["boosted_trees"]["statement"]["most_rows_per_unit"] == training.MOST_SESSIONS


def test_models_hold_nobody(trained: dict[str, Any]) -> None:
    for path in (trained["folder"] / "models").rglob("*.*"):
        assert b"SECRET" not in path.read_bytes(), path


def test_no_user_is_on_both_sides(trained: dict[str, Any]) -> None:
    rows = extract.read(trained["folder"] / "extracts", schemas.load(training.SCHEMA))
    train, test = extract.split(rows)
    assert len(train) + len(test) == len(rows) == 4_500
    assert not set(train.unit) & set(test.unit)
    assert 0.1 < len(test) / len(rows) < 0.3


def test_training_without_an_extract_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="extract_sessions"):
        training.run(str(tmp_path), str(tmp_path / "out"), 1.0, 1e-5, False, "r")


def test_training_on_one_user_says_what_to_do(tmp_path: Path) -> None:
    write_extract(tmp_path / "extracts", users=1)
    with pytest.raises(ValueError, match="too few users"):
        training.run(str(tmp_path / "extracts"), str(tmp_path / "out"), 1.0, 1e-5, False, "r")
