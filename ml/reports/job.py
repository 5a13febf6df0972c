"""The task of the DAG `shap_reports`: reads models, writes the report and its data."""

import logging
import time
from pathlib import Path
from typing import Any

import msgspec

from ml.explain import synthetic
from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import model_store
from ml.models.interface import Model
from ml.privacy.randomness import SystemRandomness
from ml.privacy.statement import Budget, Unit
from ml.reports import content, page, price
from ml.reports.content import Content, Measured, Run
from ml.reports.spreadsheet import csv_text
from streaming.data_folder import atomic_file
from streaming.data_folder.layout import METRICS

log = logging.getLogger(__name__)

EXPLAINED = 400
BACKGROUND = 128


def run(models: str, out: str, run_id: str, simulated_sessions: int = price.SESSIONS) -> dict[str, Any]:
    """Explains the private models in the folder `models` and writes `run_id`.html, .json and .csv into `out`.

    The page leaves the trusted side, so no stored session is read: the explained rows are drawn from the
    public schema, and accuracy is measured on simulated sessions. Returns the content of the JSON: {"title",
    "created", "epsilon", "delta", "unit", "unproven", "models": [{"model", "private", "epsilon", "roc_auc",
    "price"}]}, with the figures on simulated sessions, and the fields of `ml.reports.content.Content` without
    single visits, which are in the CSV. Raises FileNotFoundError if `models` has no finished training,
    SchemaError if the schema has changed since.
    """
    folder = Path(models)
    trained = msgspec.json.decode((folder / METRICS).read_bytes())
    encoding, randomness = Encoding(schemas.of_trained(trained)), SystemRandomness()
    budget = Budget(trained["epsilon"], trained["delta"])
    unit = Unit(trained["unit"], trained["most_rows_per_unit"])
    private = _private(folder)
    began = time.monotonic()
    measured = price.measure(encoding, budget, unit, randomness, simulated_sessions)
    log.info("price of privacy on %d simulated sessions: %.1f s", measured.sessions, time.monotonic() - began)
    began = time.monotonic()
    x = synthetic.rows(encoding, EXPLAINED, randomness)
    about = Run(run_id, trained["created"], budget.epsilon, budget.delta, unit.name)
    against = synthetic.rows(encoding, BACKGROUND, randomness)
    found, attributions = content.gather(about, private, encoding, x, against, measured, _measured(trained))
    for name, residual in found.residuals.items():
        log.info("%s explained, residual %.1e", name, residual)
    summary = _summary(found)
    data = {
        f"{run_id}.json": msgspec.json.format(msgspec.json.encode(summary)),
        f"{run_id}.csv": csv_text(content.table(encoding, x, attributions)).encode(),
    }
    html = page.render(found, data).encode()
    # The JSON comes last, because a report is listed once its JSON exists.
    for name, file in ({f"{run_id}.html": html} | dict(reversed(data.items()))).items():
        atomic_file.write(Path(out) / name, file)
    log.info("%s.html: %d KB, %.1f s", run_id, len(html) // 1024, time.monotonic() - began)
    return summary


def _private(folder: Path) -> dict[str, Model]:
    names = [kind.name for kind in model_store.PRIVATE if kind.name in model_store.names(folder)]
    if not names:
        raise FileNotFoundError(f"there is no private model in {folder}")
    return {name: model_store.load(name, folder) for name in names}


def _measured(trained: dict[str, Any]) -> list[Measured]:
    """Returns the figures on test users that the training published. A figure without noise is exact and must
    not be in a report."""
    return [
        Measured(result["model"], result["roc_auc"], result["roc_auc_noise"])
        for result in trained["models"]
        if result["private"] and result["roc_auc"] is not None and result.get("roc_auc_noise")
    ]


def _summary(found: Content) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))  # tuples become lists
    for dependence in fields["dependences"]:
        del dependence["values"], dependence["shap"]
    head = {
        "title": page.TITLE,
        "created": found.run.created,
        "epsilon": found.run.epsilon,
        "delta": found.run.delta,
        "unit": found.run.unit,
        "unproven": "Not yet proven: " + " ".join(found.statements[0].not_yet_proven),
        "models": [
            {
                "model": result.model,
                "private": result.private,
                "epsilon": result.epsilon,
                "roc_auc": result.roc_auc,
                "price": found.price.given_up(result.model),
            }
            for result in found.price.results
        ],
    }
    return head | fields
