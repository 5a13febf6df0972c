"""Collections of MongoDB as a part of a backup, with their indexes."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO
from uuid import uuid4

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database

from stack.backup import records
from stack.backup.part import Tell
from stack.backup.records import RAW
from stack.backup.sealing import Writable
from streaming.sinks.mongo.sessions import COLLECTION, PAGE, SYNCED, available, documents

_OF_THE_SERVER = "system."


@dataclass(frozen=True)
class MongoPart:
    """The collections of `database` for which `mine` is true of the name."""

    name: str
    database: Database[Any]
    mine: Callable[[str], bool]
    needs: Sequence[str] = ("mongodb",)

    def present(self) -> str:
        counts = {one: available(self.database[one].estimated_document_count) for one in self._collections()}
        found = [
            f"{count:,} documents of {name}" for name, count in counts.items() if count and name != SYNCED
        ]
        return f"in MongoDB {', '.join(found)}" if found else ""

    def save(self, out: Writable, tell: Tell) -> list[str]:
        for name in self._collections():
            collection = self.database.get_collection(name, codec_options=RAW)
            about = available(collection.estimated_document_count)
            indexes = list(map(dict, available(list, collection.list_indexes())))
            out.write(bson.encode({"collection": name, "indexes": indexes}))
            for count, document in enumerate(documents(collection), start=1):
                out.write(bson.encode({"document": document}))
                if count % PAGE == 0:
                    tell(records.share(name, count, about))
        return []

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        """Drops the collections that there are, and makes those that were saved."""
        for name in self._collections():
            available(self.database.drop_collection, name)
        total = 0
        for head, found in records.sections(saved, "collection"):
            collection = self.database.get_collection(
                head["collection"], codec_options=RAW, write_concern=WriteConcern(w=1)
            )
            while batch := [one["document"] for one in islice(found, PAGE)]:
                available(collection.insert_many, batch, ordered=False)
                total += len(batch)
                tell(f"{total:,} documents")
            _make_indexes(collection, head["indexes"])
        self._sync()
        return f"{total:,} documents"

    def _collections(self) -> list[str]:
        names = available(self.database.list_collection_names)
        return sorted(name for name in names if self.mine(name) and not name.startswith(_OF_THE_SERVER))

    def _sync(self) -> None:
        """Waits until all is on disk: both servers have one log, whose sync takes in all that was written
        before."""
        safe = self.database.get_collection(SYNCED, write_concern=WriteConcern(w="majority", j=True))
        available(
            safe.replace_one, {"_id": COLLECTION}, {"_id": COLLECTION, "batch": uuid4().hex}, upsert=True
        )


def _make_indexes(collection: MongoCollection[Any], indexes: Collection[RawBSONDocument]) -> None:
    for one in indexes:
        options = {name: value for name, value in one.items() if name not in ("key", "v", "ns")}
        if options.get("name") != "_id_":
            available(collection.create_index, list(one["key"].items()), **options)
