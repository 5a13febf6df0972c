"""A model registry in memory, for unit tests."""

from ml.registry.entry import RegistryEntry


class InMemoryRegistry:
    """Entries by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, RegistryEntry] = {}

    def put(self, entry: RegistryEntry) -> None:
        self.by_name[entry.name] = entry

    def find(self, name: str) -> RegistryEntry | None:
        return self.by_name.get(name)

    def names(self) -> list[str]:
        newest = sorted(self.by_name.values(), key=lambda entry: (entry.at, entry.name), reverse=True)
        return [entry.name for entry in newest]
