"""The model registry in the MongoDB collection `model_runs`."""

import msgspec
from pymongo import WriteConcern
from pymongo.collection import Collection

from ml.registry.entry import RegistryEntry
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import available, client
from streaming.stores import Document

COLLECTION = "model_runs"
_WHOLE = {"digest": {"$exists": True}}
"""Excludes entries of early versions, which have only metrics."""


class MongoRegistry:
    """A ModelRegistry. A crash cannot lose what it wrote."""

    def __init__(self, settings: MongoSettings) -> None:
        self._runs: Collection[Document] = client(settings)[settings.database].get_collection(
            COLLECTION, write_concern=WriteConcern(w="majority", j=True)
        )

    def put(self, entry: RegistryEntry) -> None:
        available(self._runs.replace_one, {"_id": entry.name}, msgspec.to_builtins(entry), upsert=True)

    def find(self, name: str) -> RegistryEntry | None:
        found = available(self._runs.find_one, {"_id": name} | _WHOLE)
        return None if found is None else msgspec.convert(found, RegistryEntry)

    def names(self) -> list[str]:
        found = available(lambda: list(self._runs.find(_WHOLE, {"at": 1})))
        newest = sorted(found, key=lambda entry: (entry.get("at", ""), entry["_id"]), reverse=True)
        return [entry["_id"] for entry in newest]


def stored_registry() -> MongoRegistry:
    """Returns the model registry on the server of the settings."""
    return MongoRegistry(MongoSettings())
