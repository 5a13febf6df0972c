"""What retention remembers, in MongoDB: a restored backup knows up to where it was complete."""

import msgspec
from pymongo import WriteConcern
from pymongo.collection import Collection

from streaming.retention.boundary import Boundaries
from streaming.retention.place import Kept
from streaming.retention.plan import boundaries
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import available, client
from streaming.stores import Document, StoreUnavailable

COLLECTION = "retention"


class MongoRecord:
    """The collection `retention`, as a Record: one document for each place."""

    def __init__(self, settings: MongoSettings) -> None:
        safe = WriteConcern(w="majority", j=True)
        database = client(settings)[settings.database]
        self._kept: Collection[Document] = database.get_collection(COLLECTION, write_concern=safe)

    def read(self) -> dict[str, Kept]:
        try:
            found = [msgspec.convert(one, Kept) for one in available(list, self._kept.find({}))]
        except msgspec.ValidationError as error:
            raise StoreUnavailable(f"MongoDB's collection {COLLECTION} has a document of others") from error
        return {kept.place: kept for kept in found}

    def write(self, kept: Kept) -> None:
        document = {"_id": kept.place, **msgspec.to_builtins(kept)}
        # No upsert: the embedded server would give the new document another id.
        if available(self._kept.find_one_and_replace, {"_id": kept.place}, document) is None:
            available(self._kept.insert_one, document)

    def boundaries(self) -> Boundaries:
        """Returns before which moments sessions and documents have expired. Raises StoreUnavailable."""
        return boundaries({place: kept.before_ms for place, kept in self.read().items()})
