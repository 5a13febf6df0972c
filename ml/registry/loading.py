"""Loads the models of an entry of the model registry."""

from pathlib import Path

from ml.folder_digest import folder_digest
from ml.models import model_store
from ml.models.interface import Model
from ml.registry.entry import RegistryEntry


class ArtifactAltered(Exception):
    """The models' folder does not have the digest in the model registry."""


def load(entry: RegistryEntry, model: str, models: Path) -> Model:
    """Returns the model called `model` of an entry. `models`: the folder of all runs. Raises ArtifactAltered,
    or FileNotFoundError if the entry has no such model."""
    folder = models / entry.name
    if not folder.is_dir() or folder_digest(folder) != entry.digest:
        raise ArtifactAltered(f"{folder} is missing or has changed since it was registered on {entry.at}")
    return model_store.load(model, folder)
