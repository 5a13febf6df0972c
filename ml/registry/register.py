"""Reading the register, and the models behind an entry."""

from pathlib import Path
from typing import Protocol

from ml.models import shelf
from ml.models.interface import Model
from ml.registry.registered import Registered
from ml.training.vault import digest


class Register(Protocol):
    """Every method may raise StoreAway."""

    def put(self, entry: Registered) -> None:
        """Enters it, or puts it in the place of the entry of that name."""

    def find(self, name: str) -> Registered | None:
        """The entry of that run."""

    def names(self) -> list[str]:
        """Of all entries, the newest first."""


class Altered(Exception):
    """What lies in the models' folder is not what the register says was released."""


def load(entry: Registered, model: str, models: Path) -> Model:
    """The model called `model` of an entry, from the folder of all runs. Raises Altered, or FileNotFoundError
    where the entry has no such model."""
    folder = models / entry.name
    if not folder.is_dir() or digest(folder) != entry.digest:
        raise Altered(f"{folder} is not what was registered on {entry.at}")
    return shelf.take(model, folder)
