"""What privacy costs on a real table: `python -m ml.bench.accuracy FILE --schema NAME` by repeated splits.

Prints {"file", "schema", "splits", "results": [{"model", "epsilon", "roc_auc", "standard_error", "price",
"price_standard_error", "seconds"}]}. The price is the ROC AUC given up against xgboost on the same split; the
standard errors are over splits.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.model_selection import StratifiedShuffleSplit

from ml.evaluate.table import read
from ml.features import schema as schemas
from ml.features.encoding import Encoding, labels
from ml.features.rows import Rows
from ml.models import shelf
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.training.table import Result, fit_and_measure

DELTA = 1e-5


def table(path: Path, schema: schemas.Schema, epsilons: list[float], splits: int) -> list[dict[str, Any]]:
    """One line a model and epsilon, means over `splits` stratified 80/20 splits of the rows in `path`."""
    columns, encoding = read(path).columns, Encoding(schema)
    rows = Rows(
        encoding.encode(columns),
        labels(columns[schema.target], schema.positive),
        np.arange(len(columns[schema.target])),
    )
    measured: dict[tuple[str, float | None], list[tuple[Result, float]]] = defaultdict(list)
    folds = StratifiedShuffleSplit(splits, test_size=0.2, random_state=0).split(rows.x, rows.y)
    for number, (train, test) in enumerate(folds, start=1):
        ceiling = 0.0
        for epsilon in epsilons:
            kinds = [*([] if ceiling else [shelf.CEILING]), *shelf.PRIVATE, shelf.BASELINE]
            results = fit_and_measure(
                kinds,
                rows.take(train),
                rows.take(test),
                encoding,
                Budget(epsilon, DELTA),
                Unit(schema.unit_is_called, 1),
                SystemRandomness(),
            )
            ceiling = ceiling or results[0].roc_auc or 0.0
            for result in results:
                measured[result.model, result.epsilon].append((result, ceiling))
        print(f"split {number} of {splits} done", file=sys.stderr, flush=True)
    return [_line(model, epsilon, pairs) for (model, epsilon), pairs in measured.items()]


def _line(model: str, epsilon: float | None, pairs: list[tuple[Result, float]]) -> dict[str, Any]:
    auc = np.array([result.roc_auc for result, _ in pairs])
    price = np.array([ceiling for _, ceiling in pairs]) - auc
    return {
        "model": model,
        "epsilon": epsilon,
        "roc_auc": float(auc.mean()),
        "standard_error": _standard_error(auc),
        "price": float(price.mean()),
        "price_standard_error": _standard_error(price),
        "seconds": float(np.mean([result.seconds for result, _ in pairs])),
    }


def _standard_error(values: Any) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--schema", default="online-shoppers")
    parser.add_argument("--without", action="append", default=[], metavar="COL")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.5, 1.0, 2.0, 4.0, 8.0])
    parser.add_argument("--splits", type=int, default=25)
    asked = parser.parse_args()
    schema = schemas.load(asked.schema).without(*asked.without)
    results = table(asked.file, schema, asked.epsilon, asked.splits)
    document = {"file": asked.file.name, "schema": schema.name, "splits": asked.splits, "results": results}
    print(msgspec.json.encode(document).decode())


if __name__ == "__main__":
    main()
