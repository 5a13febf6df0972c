"""Reading the register, and the models behind an entry."""

from pathlib import Path
from typing import Protocol

from ml.folder_digest import folder_digest
from ml.models import model_store
from ml.models.interface import Model
from ml.registry.entry import RegistryEntry


class ModelRegistry(Protocol):
    """Every method may raise StoreUnavailable."""

    def put(self, entry: RegistryEntry) -> None:
        """Enters it, or puts it in the place of the entry of that name."""

    def find(self, name: str) -> RegistryEntry | None:
        """The entry of that run."""

    def names(self) -> list[str]:
        """Of all entries, the newest first."""


class ArtifactAltered(Exception):
    """What lies in the models' folder is not what the register says was released."""


def load(entry: RegistryEntry, model: str, models: Path) -> Model:
    """The model called `model` of an entry, from the folder of all runs. Raises Altered, or FileNotFoundError
    where the entry has no such model."""
    folder = models / entry.name
    if not folder.is_dir() or folder_digest(folder) != entry.digest:
        raise ArtifactAltered(f"{folder} is not what was registered on {entry.at}")
    return model_store.load(model, folder)
