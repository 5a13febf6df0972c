"""The interface of a model registry."""

from typing import Protocol

from ml.registry.entry import RegistryEntry


class ModelRegistry(Protocol):
    """Every method may raise StoreUnavailable."""

    def put(self, entry: RegistryEntry) -> None:
        """Stores the entry, replacing one of the same name."""

    def find(self, name: str) -> RegistryEntry | None:
        """Returns the entry of that run; None if there is none."""

    def names(self) -> list[str]:
        """Returns the names of all entries, the newest first."""
