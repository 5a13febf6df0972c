"""`./vitrine evaluate` from its command line to its JSON."""

import argparse
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from support import shop

from ml.evaluate import command
from ml.evaluate.arguments import add_arguments
from ml.evaluate.command import run
from ml.models import model_store
from ml.privacy.seeded import SeededRandomness

FIGURES = {
    "model", "private", "epsilon", "roc_auc", "average_precision", "accuracy", "f1", "calibration_error",
    "seconds", "statement",
}  # fmt: skip


def write(path: Path, columns: dict[str, list[Any]]) -> Path:
    with path.open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        lines.writerows(zip(*columns.values(), strict=True))
    return path


def ask(*words: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    add_arguments(parser)
    return parser.parse_args([str(word) for word in words])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("csv")
    schema = folder / "schema.json"
    schema.write_text(
        json.dumps(
            {
                "name": "small shop",
                "target": "bought",
                "features": [
                    {"kind": "numeric", "name": "seconds", "lower": 0, "upper": 10000, "scale": "log"},
                    {"kind": "numeric", "name": "share", "lower": 0, "upper": 1},
                    {"kind": "categorical", "name": "device", "values": ["mobile", "desktop"]},
                ],
            }
        )
    )
    return {
        "train": write(folder / "train.csv", shop.columns(3_000, seed=1, per_user=2)),
        "test": write(folder / "test.csv", shop.columns(500, seed=2)),
        "schema": schema,
        "folder": folder,
    }


def answer(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert run(ask(*words, "--json")) == 0
    printed = capsys.readouterr().out
    document: dict[str, Any] = json.loads(printed)
    return document


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the noise the same in each run, for figures that noise alone now and then makes worse."""
    monkeypatch.setattr(command, "SystemRandomness", lambda: SeededRandomness(4))


@pytest.mark.usefixtures("seeded")
def test_with_a_schema(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    document = answer(
        capsys, "--train", files["train"], "--test", files["test"], "--target", "bought",
        "--schema", files["schema"], "--unit", "who", "--most-rows", 2, "--epsilon", 1, 4,
    )  # fmt: skip
    assert document["laboratory"] is True
    results = document["results"]
    assert all(result.keys() == FIGURES for result in results)
    assert [(result["model"], result["epsilon"]) for result in results] == [
        ("xgboost", None),
        *(
            (kind.name, epsilon)
            for epsilon in (1.0, 4.0)
            for kind in (*model_store.PRIVATE, model_store.BASELINE)
        ),
    ]
    by = {(result["model"], result["epsilon"]): result for result in results}
    assert by["boosted_trees", 4.0]["roc_auc"] > 0.85
    assert by["boosted_trees", 4.0]["statement"]["unit"] == "row"  # what the schema file calls it
    assert by["neural_network", 1.0]["statement"]["most_rows_per_unit"] == 2


@pytest.mark.usefixtures("seeded")
def test_without_a_schema_the_search_costs_budget(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    document = answer(
        capsys, "--train", files["train"], "--test", files["test"], "--target", "bought",
        "--without", "who", "--epsilon", 8,
    )  # fmt: skip
    assert document["schema"] is None
    by = {result["model"]: result for result in document["results"]}
    assert by["boosted_trees"]["roc_auc"] > 0.8
    for kind in model_store.PRIVATE:
        statement = by[kind.name]["statement"]
        assert (statement["epsilon"], statement["delta"]) == (8.0, 1e-5)
        assert "finding bounds" in statement["composition"]
        assert not any("schema" in public for public in statement["public"])


def test_training_on_one_class_returns_models(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    columns = shop.columns(300, seed=3)
    one_class = write(files["folder"] / "one.csv", {**columns, "bought": [0] * 300})
    document = answer(
        capsys, "--train", one_class, "--test", one_class, "--target", "bought", "--schema", files["schema"],
        "--epsilon", 1,
    )  # fmt: skip
    assert all(result["roc_auc"] is None for result in document["results"])


def test_odd_cells_ten_rows_and_a_constant_column(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    columns = shop.columns(10, seed=4)
    columns["seconds"][:3] = ["", "many", "1e400"]
    columns["device"] = ["never seen"] * 10
    columns["bought"][:2] = [0, 1]
    odd = write(files["folder"] / "odd.csv", columns)
    document = answer(
        capsys,
        "--train",
        odd,
        "--test",
        odd,
        "--target",
        "bought",
        "--schema",
        files["schema"],
        "--epsilon",
        1,
    )
    assert all(result["roc_auc"] is not None for result in document["results"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--target": "nothing"}, "no column nothing"),
        ({"--schema": "nothing"}, "there is no schema nothing"),
        ({"--train": "nothing.csv"}, "nothing.csv does not exist"),
        ({"--unit": "nobody"}, "no column nobody"),
        ({"--epsilon": "0"}, "--epsilon"),
        ({"--epsilon": "nan"}, "--epsilon"),
        ({"--delta": "0"}, "--delta"),
        ({"--most-rows": "0", "--unit": "who"}, "--most-rows"),
        ({"--without": "nothing"}, "--without nothing"),
    ],
    ids=str,
)
def test_invalid_requests_are_refused_with_a_reason(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], change: dict[str, str], says: str
) -> None:
    words = {
        "--train": files["train"], "--test": files["test"], "--target": "bought", "--schema": files["schema"],
        "--epsilon": "1", **change,
    }  # fmt: skip
    assert run(ask(*(word for pair in words.items() for word in pair))) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err


@pytest.mark.parametrize(
    "content", [b"", b"bought,a\n", b"\xff\xfe\x00\x00\x01"], ids=["empty", "no rows", "binary"]
)
def test_files_that_are_not_tables(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(content)
    assert run(ask("--train", bad, "--test", files["test"], "--target", "bought", "--epsilon", 1)) == 2
    assert str(bad) in capsys.readouterr().err


# Noise alone may pass for a column now and then; with this seed it does not.
@pytest.mark.usefixtures("seeded")
def test_too_few_rows_to_find_a_schema(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    ten = write(files["folder"] / "ten.csv", shop.columns(10, seed=5))
    assert run(ask("--train", ten, "--test", ten, "--target", "bought", "--epsilon", 0.5)) == 2
    assert "--schema" in capsys.readouterr().err
