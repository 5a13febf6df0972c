"""The task of the DAG `shap_reports`: models in, one page and its summary out."""

import logging
import time
from pathlib import Path
from typing import Any

import msgspec

from ml.explain import synthetic
from ml.explain.attribution import explain
from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.models import shelf
from ml.privacy.randomness import SystemRandomness
from ml.reports import findings, page

log = logging.getLogger(__name__)

EXPLAINED = 400
BACKGROUND = 64


def run(models: str, extracts: str, out: str, run_id: str) -> dict[str, Any]:
    """Explains the private models in the folder `models` and writes `run_id`.html and `run_id`.json into
    `out`.

    The page leaves the trusted side, so no row of `extracts` is read: what is explained are rows drawn from
    the public schema. Returns the summary: {"title", "created", "epsilon", "delta", "unit", "unproven",
    "models": [{"model", "private", "epsilon", "roc_auc", "price"}], "ranking": [{"feature", model: mean |SHAP
    value|}]}. Raises FileNotFoundError where `models` holds no finished training.
    """
    shelf_folder = Path(models)
    metrics = msgspec.json.decode((shelf_folder / "metrics.json").read_bytes())
    encoding = Encoding(schemas.load(metrics["schema"]))
    randomness = SystemRandomness()
    x = synthetic.rows(encoding, EXPLAINED, randomness)
    background = synthetic.rows(encoding, BACKGROUND, randomness)
    attributions = {}
    for kind in shelf.PRIVATE:
        began = time.monotonic()
        attributions[kind.name] = explain(shelf.take(kind.name, shelf_folder), x, background, encoding)
        log.info(
            "%s explained in %.1f s, residual %.1e",
            kind.name,
            time.monotonic() - began,
            attributions[kind.name].residual,
        )
    features = encoding.schema.features
    ceiling = next(m["roc_auc"] for m in metrics["models"] if m["model"] == shelf.CEILING.name)
    summary: dict[str, Any] = {
        "title": page.TITLE,
        "created": metrics["created"],
        "epsilon": metrics["epsilon"],
        "delta": metrics["delta"],
        "unit": metrics["unit"],
        "unproven": "Not yet proven: "
        + " ".join(next(m for m in metrics["models"] if m["private"])["statement"]["not_yet_proven"]),
        "models": [
            {
                "model": m["model"],
                "private": m["private"],
                "epsilon": m["epsilon"],
                "roc_auc": m["roc_auc"],
                "price": None if m["roc_auc"] is None or ceiling is None else ceiling - m["roc_auc"],
            }
            for m in metrics["models"]
        ],
        "ranking": [
            {"feature": features[k].name}
            | {name: float(findings.importance(a)[k]) for name, a in attributions.items()}
            for k in findings.ranked(attributions)
        ],
    }
    html = page.render(metrics, encoding, x, BACKGROUND, attributions)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / f"{run_id}.html", html.encode())
    _put(folder / f"{run_id}.json", msgspec.json.format(msgspec.json.encode(summary)))
    log.info("%s.html: %d KB", run_id, len(html) // 1024)
    return summary


def _put(path: Path, content: bytes) -> None:
    """Readers see the whole file or none."""
    unfinished = path.with_suffix(path.suffix + ".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)
