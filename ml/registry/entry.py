"""PURE: one entry of the model registry. Standard library and msgspec only: the Airflow environment imports
it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class RegistryEntry(Struct, frozen=True, kw_only=True):
    """The models of one run of `private_models`."""

    name: str = field(name="_id")
    """Name of the run and of its folder, models/<name>."""
    dag_run_id: str
    at: str
    """ISO 8601, UTC."""
    params: dict[str, Any]
    digest: str
    """ml.folder_digest of the folder; checked when a model is loaded."""
    models: tuple[str, ...]
    """Names of ml.models.model_store."""
    charge: str
    """The charge's key in the privacy ledger."""
    blocks: tuple[int, ...]
    """The privacy blocks that were read."""
    metrics: dict[str, Any]
    """metrics.json: differentially private."""
    code: dict[str, str | None]
    """ml.release.code_version."""
    snapshot: dict[str, str]
    """SHA-256 of the extract's files at the time of reading, by name. Trusted side only."""
    rows: dict[str, int]
    """{"train", "test", "without_consent"}: exact counts. Trusted side only."""


def entry_of(
    dag_run_id: str,
    params: Mapping[str, Any],
    digest: str,
    metrics: Mapping[str, Any],
    trusted: Mapping[str, Any],
) -> RegistryEntry:
    """Returns the entry of a training: `metrics` of models/<name>/metrics.json, `trusted` of
    trusted/<name>/trusted.json."""
    return RegistryEntry(
        name=metrics["run_id"],
        dag_run_id=dag_run_id,
        at=metrics["created"],
        params=dict(params),
        digest=digest,
        models=tuple(model["model"] for model in metrics["models"]),
        charge=metrics["charge"]["key"],
        blocks=tuple(metrics["charge"]["blocks"]),
        metrics=dict(metrics),
        code=trusted["code"],
        snapshot=trusted["snapshot"],
        rows={
            "train": trusted["train_rows"],
            "test": trusted["test_rows"],
            "without_consent": trusted.get("without_consent", 0),
        },
    )
