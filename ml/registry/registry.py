"""What a model registry does, wherever it is kept."""

from typing import Protocol

from ml.registry.entry import RegistryEntry


class ModelRegistry(Protocol):
    """Every method may raise StoreUnavailable."""

    def put(self, entry: RegistryEntry) -> None:
        """Enters it, or puts it in the place of the entry of that name."""

    def find(self, name: str) -> RegistryEntry | None:
        """The entry of that run."""

    def names(self) -> list[str]:
        """Of all entries, the newest first."""
