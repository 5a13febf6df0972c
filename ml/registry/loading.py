"""The models behind an entry of the model registry."""

from pathlib import Path

from ml.folder_digest import folder_digest
from ml.models import model_store
from ml.models.interface import Model
from ml.registry.entry import RegistryEntry


class ArtifactAltered(Exception):
    """What lies in the models' folder is not what was released, as the model registry says."""


def load(entry: RegistryEntry, model: str, models: Path) -> Model:
    """The model called `model` of an entry, from the folder of all runs. Raises ArtifactAltered, or
    FileNotFoundError where the entry has no such model."""
    folder = models / entry.name
    if not folder.is_dir() or folder_digest(folder) != entry.digest:
        raise ArtifactAltered(f"{folder} is not what was registered on {entry.at}")
    return model_store.load(model, folder)
