"""Trains on the blocks that were charged, and releases the models: the second task of the DAG
`private_models`."""

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ml.budget.account import Account, Charge
from ml.budget.ledger import Ledger, now
from ml.features import schema as schemas
from ml.features.encoding import Encoding, Vector
from ml.models import model_store
from ml.models.interface import Model
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import NOT_YET_PROVEN_OF_A_RELEASE, Unit
from ml.release import extract, private_metrics
from ml.release.artifact_store import ArtifactStore, Attempt
from ml.release.charging import days, entry
from ml.release.code_version import code_version
from ml.release.release_once import once
from ml.release.request import MOST_SESSIONS, TrainingRequest
from ml.release.scope import ReadScope
from ml.release.table import Result, fit_and_measure
from streaming.contract.consent import Sources
from streaming.data_folder.layout import METRICS, RUN, TRUSTED

log = logging.getLogger(__name__)

SCHEMA = "vitrine-session"


def run(
    request: TrainingRequest,
    ledger: Ledger,
    extracts: Path,
    artifacts: ArtifactStore,
    dag_run_id: str,
    params: Any,
    sources: Sources,
) -> dict[str, Any]:
    """Trains on the blocks that were charged and releases the models, or finishes an earlier attempt's
    release. No session is read whose user has not agreed to training.

    Returns the content of models/<run>/metrics.json: {"run_id", "created", "schema", "schema_digest",
    "epsilon", "delta", "unit", "most_rows_per_unit", "test_share", "note", "epsilon_together",
    "metrics_epsilon", "charge": {"key", "blocks", "told", "left"}, "models": [{"model", "private",
    "epsilon", "statement"} and the fields of ml.release.private_metrics.PrivateMetrics]}. All of it is
    differentially private. The rest is in trusted/<run>: trusted.json {"train_rows", "test_rows",
    "without_consent" (sessions left out), "snapshot": {file: sha256}, "code", "models": [Result]} and the
    models without privacy. Raises NotCharged, ArtifactLost, or ValueError if there are no rows to train or to
    test on."""

    def train(charge: Charge, attempt: Attempt) -> None:
        _train(request, ledger.account(), charge, extracts, attempt, sources)
        _write(attempt.public / RUN, {"dag_run_id": dag_run_id, "params": params})

    once(ledger, artifacts, request.key, request.name, train, now)
    metrics: dict[str, Any] = msgspec.json.decode((artifacts.released(request.name) / METRICS).read_bytes())
    return metrics


def _train(
    request: TrainingRequest,
    account: Account,
    charge: Charge,
    extracts: Path,
    attempt: Attempt,
    sources: Sources,
) -> None:
    schema, randomness, plan = schemas.load(SCHEMA), SystemRandomness(), request.plan()
    unit = Unit(f"{schema.unit_is_called} within a block of {days(account)}", MOST_SESSIONS)
    span = ReadScope(charge.blocks, account.block_ms, charge.until_ms)
    train, test = extract.read(extracts, schema, span, sources)
    if not len(train) or not len(test):
        raise ValueError(
            "too few users who agree to training to train and test on: send more sessions with interactions, "
            "then run extract_sessions"
        )
    charged = entry(account, charge)
    log_odds: dict[str, Vector] = {}

    def keep(model: Model) -> None:
        if not model.statement.private:
            model_store.save(model, attempt.trusted)
            return
        model.statement = dataclasses.replace(
            model.statement, ledger=charged["told"], not_yet_proven=NOT_YET_PROVEN_OF_A_RELEASE
        )
        log_odds[model.name] = model.log_odds(test.x)
        model_store.save(model, attempt.public)

    kinds: list[type[Model]] = [
        *model_store.PRIVATE,
        model_store.NON_PRIVATE,
        *([model_store.BASELINE] if request.laplace else []),
    ]
    results = fit_and_measure(
        kinds, train, test, Encoding(schema), request.budget, unit, randomness, keep, progress=_report()
    )
    figures = private_metrics.private_metrics(test, log_odds, plan.metrics, randomness)
    metrics = {
        "run_id": request.name,
        "created": now(),
        "schema": schema.name,
        "schema_digest": schema.digest,
        "epsilon": request.epsilon,
        "delta": request.delta,
        "unit": unit.name,
        "most_rows_per_unit": unit.most_rows,
        "test_share": extract.TEST_SHARE,
        "note": "Figures of the private models, computed from noisy histograms of test scores: "
        "they are differentially private and charged to the budget.",
        "epsilon_together": plan.epsilon(request.delta),
        "metrics_epsilon": request.metrics_epsilon,
        "charge": charged,
        "models": [
            {
                "model": name,
                "private": True,
                "epsilon": request.epsilon,
                "statement": model_store.load(name, attempt.public).statement,
                **msgspec.structs.asdict(figure),
            }
            for name, figure in figures.items()
        ],
    }
    trusted = {
        "note": "Exact figures on private rows, and their numbers: not private, for the operator only.",
        "train_rows": len(train),
        "test_rows": len(test),
        "without_consent": extract.count_refused(extracts, span, sources),
        "snapshot": extract.digests(extracts),
        "code": code_version(),
        "models": results,
    }
    _write(attempt.public / METRICS, metrics)
    _write(attempt.trusted / TRUSTED, trusted)


def _write(path: Path, document: Any) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)))


def _report() -> Callable[[Result], None]:
    """Returns a callback that logs progress. Many may read the task's log, so it has no figures of the
    data."""
    began = time.monotonic()
    return lambda result: log.info("%s trained, %.1f s", result.model, time.monotonic() - began)
