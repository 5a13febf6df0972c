"""The task of the DAG `private_models`: extract in, models and their metrics out."""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import shelf
from ml.models.interface import Model
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.training import extract
from ml.training.table import Result, fit_and_measure

log = logging.getLogger(__name__)

SCHEMA = "vitrine-session"
MOST_SESSIONS = 8
"""So many sessions of a user are learned from at most."""


def run(extracts: str, out: str, epsilon: float, delta: float, laplace: bool, run_id: str) -> dict[str, Any]:
    """Trains on the Parquet files in `extracts`; leaves a folder for each model and metrics.json in `out`.

    Returns what metrics.json says: {"run_id", "created", "schema", "epsilon", "delta", "unit",
    "most_rows_per_unit", "test_share", "note", "models": [Result]}. Raises NoExtract, or ValueError where no
    user is left to test on.
    """
    schema = schemas.load(SCHEMA)
    budget = Budget(float(epsilon), float(delta))
    unit = Unit(schema.unit_is_called, MOST_SESSIONS)
    began = time.monotonic()
    train, test = extract.split(extract.read(Path(extracts), schema))
    log.info(
        "%d sessions to learn from, %d to test on, %.1f s", len(train), len(test), time.monotonic() - began
    )
    if not len(train) or not len(test):
        raise ValueError("too few users to train and test on: send more sessions, then extract them")
    folder = Path(out)
    kinds: list[type[Model]] = [*shelf.PRIVATE, shelf.CEILING]
    if laplace:
        kinds.append(shelf.BASELINE)
    results = fit_and_measure(
        kinds,
        train,
        test,
        Encoding(schema),
        budget,
        unit,
        SystemRandomness(),
        keep=lambda model: shelf.put(model, folder),
        progress=_report,
    )
    metrics: dict[str, Any] = {
        "run_id": run_id,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "schema": schema.name,
        "epsilon": budget.epsilon,
        "delta": budget.delta,
        "unit": unit.name,
        "most_rows_per_unit": unit.most_rows,
        "test_share": extract.TEST_SHARE,
        "note": "Laboratory figures: exact metrics on private test rows are not themselves private.",
        "models": msgspec.json.decode(msgspec.json.encode(results)),  # lists for tuples, as read back
    }
    (folder / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(metrics)))
    return metrics


def _report(result: Result) -> None:
    auc = "undefined" if result.roc_auc is None else f"{result.roc_auc:.3f}"
    log.info("%s: ROC AUC %s, trained in %.1f s", result.model, auc, result.seconds)
