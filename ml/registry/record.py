"""Enters a release into the model registry: the last task of the DAG `private_models`. The Airflow
environment has all that it imports."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ml.folder_digest import folder_digest
from ml.registry.entry import RegistryEntry, entry_of
from ml.registry.registry import ModelRegistry
from streaming.data_folder.layout import TRUSTED, DataLayout


def record_release(
    registry: ModelRegistry,
    layout: DataLayout,
    dag_run_id: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> RegistryEntry:
    """Enters the artifact with the content `metrics` of its metrics.json, and returns the entry. May be
    repeated. Raises StoreUnavailable, and FileNotFoundError if the artifact does not exist."""
    name = metrics["run_id"]
    trusted = msgspec.json.decode((layout.trusted / name / TRUSTED).read_bytes())
    entry = entry_of(dag_run_id, params, folder_digest(layout.models / name), metrics, trusted)
    registry.put(entry)
    return entry
