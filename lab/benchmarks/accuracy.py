"""The price of privacy on a real table, over repeated splits: `./vitrine bench accuracy FILE`.

Prints {"file", "schema", "splits", "tables": [{"without", "results": [{"model", "epsilon", "roc_auc",
"standard_error", "price", "price_standard_error", "seconds"}]}]}, and on standard error the tables for
people. The price is the ROC AUC of xgboost less that of the model on the same split; the standard errors are
over splits. Each split is trained on one core, as many at a time as there are cores.
"""

import argparse
import multiprocessing
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from ml.evaluate.table import read
from ml.features import schema as schemas
from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.models import model_store
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.release.table import Result, fit_and_measure

DELTA = 1e-5
TEST_SHARE = 0.2
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


class Split(NamedTuple):
    """One training of all models, done by one process."""

    path: Path
    schema: str
    without: tuple[str, ...]
    epsilons: tuple[float, ...]
    splits: int
    number: int


def measured(split: Split) -> list[Result]:
    """Trains every model at every epsilon on one split. xgboost is trained first, and once."""
    rows, encoding, unit = _table(split.path, split.schema, split.without)
    folds = StratifiedShuffleSplit(split.splits, test_size=TEST_SHARE, random_state=0).split(rows.x, rows.y)
    train, test = list(folds)[split.number]
    results: list[Result] = []
    for epsilon in split.epsilons:
        kinds = [*([] if results else [model_store.NON_PRIVATE]), *model_store.PRIVATE, model_store.BASELINE]
        results += fit_and_measure(
            kinds,
            rows.take(train),
            rows.take(test),
            encoding,
            Budget(epsilon, DELTA),
            unit,
            SystemRandomness(),
        )
    return results


@cache
def _table(path: Path, schema_name: str, without: tuple[str, ...]) -> tuple[Rows, Encoding, Unit]:
    schema = schemas.load(schema_name).without(*without)
    columns, encoding = read(path).columns, Encoding(schema)
    y = labels(columns[schema.target], schema.positive)
    return Rows(encoding.encode(columns), y, np.arange(len(y))), encoding, Unit(schema.unit_is_called, 1)


def summary(splits: Iterable[Sequence[Result]]) -> list[dict[str, Any]]:
    """Returns one line per model and epsilon, over all splits. The first result of a split is that of
    xgboost."""
    auc, price, seconds = defaultdict(list), defaultdict(list), defaultdict(list)
    for results in splits:
        baseline = results[0].roc_auc or 0.0
        for result in results:
            key = result.model, result.epsilon
            auc[key].append(result.roc_auc or 0.0)
            price[key].append(baseline - (result.roc_auc or 0.0))
            seconds[key].append(result.seconds)
    return [
        {
            "model": model,
            "epsilon": epsilon,
            "roc_auc": float(np.mean(auc[model, epsilon])),
            "standard_error": _standard_error(auc[model, epsilon]),
            "price": float(np.mean(price[model, epsilon])),
            "price_standard_error": _standard_error(price[model, epsilon]),
            "seconds": float(np.mean(seconds[model, epsilon])),
        }
        for model, epsilon in auc
    ]


def _standard_error(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _print(without: Sequence[str], results: Sequence[dict[str, Any]]) -> None:
    print(f"\nwithout {', '.join(without)}" if without else "\nall columns", file=sys.stderr)
    for line in results:
        at = "-" if line["epsilon"] is None else f"{line['epsilon']:g}"
        spread = "" if line["standard_error"] is None else f" ± {line['standard_error']:.4f}"
        price = f"price {line['price']:+.4f}"
        print(f"{line['model']:22}{at:>6}  {line['roc_auc']:.4f}{spread}  {price}", file=sys.stderr)


def main() -> None:
    """Runs the benchmark of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--schema", default="online-shoppers")
    parser.add_argument("--also-without", nargs="*", default=["PageValues"], metavar="COL")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.5, 1.0, 2.0, 4.0, 8.0])
    parser.add_argument("--splits", type=int, default=25)
    options = parser.parse_args()
    tables = [(), *([tuple(options.also_without)] if options.also_without else [])]
    work = [
        Split(options.file, options.schema, without, tuple(options.epsilon), options.splits, number)
        for without in tables
        for number in range(options.splits)
    ]
    os.environ.update(_ONE_THREAD)
    found: dict[tuple[str, ...], list[list[Result]]] = defaultdict(list)
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for split, results in zip(work, pool.map(measured, work), strict=True):
            found[split.without].append(results)
            print(f"split {split.number + 1} of {split.splits} done", file=sys.stderr, flush=True)
    lines: list[dict[str, Any]] = []
    for without, splits in found.items():
        lines.append({"without": without, "results": summary(splits)})
        _print(without, lines[-1]["results"])
    document = {
        "file": options.file.name,
        "schema": options.schema,
        "splits": options.splits,
        "tables": lines,
    }
    print(msgspec.json.encode(document).decode())


if __name__ == "__main__":
    main()
