"""The benchmarks' arithmetic and arguments; their measurements are not tested."""

from pathlib import Path

import msgspec
import pytest
from support import shop

from lab.benchmarks import accuracy
from ml.models import model_store
from ml.privacy.seeded import SeededRandomness
from ml.privacy.statement import Budget, Unit
from ml.release.table import Result, fit_and_measure
from stack import benchmarks
from streaming.process.exit_code import InvalidRequest


@pytest.fixture(scope="module")
def ceiling() -> Result:
    (result,) = fit_and_measure(
        [model_store.NON_PRIVATE], shop.rows(300, seed=1), shop.rows(300, seed=2), shop.ENCODING,
        Budget(1.0, 1e-5), Unit("row", 1), SeededRandomness(1),
    )  # fmt: skip
    return result


def test_the_price_is_paired_by_split(ceiling: Result) -> None:
    def split(best: float, private: float) -> list[Result]:
        other = {"model": "boosted_trees", "epsilon": 1.0, "roc_auc": private}
        return [
            msgspec.structs.replace(ceiling, roc_auc=best),
            msgspec.structs.replace(ceiling, **other),
        ]

    first, second = accuracy.summary([split(0.9, 0.8), split(0.8, 0.7)])
    assert (first["model"], first["price"]) == ("xgboost", 0.0)
    assert second["roc_auc"] == pytest.approx(0.75)
    assert second["standard_error"] == pytest.approx(0.05)
    assert (second["price"], second["price_standard_error"]) == pytest.approx((0.1, 0.0))


@pytest.mark.parametrize(("name", "file"), [("accuracy", None), ("training", Path("rows.csv"))])
def test_a_benchmark_gets_a_file_only_if_it_needs_one(name: str, file: Path | None) -> None:
    with pytest.raises(InvalidRequest, match="FILE"):
        benchmarks.run(name, minutes=1, file=file)
