"""Takes erased persons out of the similar users: their own rows, and them as neighbours of others."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from pymongo import WriteConcern
from pymongo.collection import Collection

from streaming.data_folder import atomic_file
from streaming.person.sessions import without
from streaming.person.traces import Persons
from streaming.settings import MongoSettings
from streaming.sinks.mongo.sessions import available, client, documents, with_id
from streaming.stores import Document

COLLECTION = "similar_users"


class SimilarUsers:
    """The collection `similar_users`, which the DAG of this name writes. Every method may raise
    StoreUnavailable."""

    def __init__(self, settings: MongoSettings) -> None:
        safe = WriteConcern(w="majority", j=True)
        database = client(settings)[settings.database]
        self._rows: Collection[Document] = database.get_collection(COLLECTION, write_concern=safe)

    def of(self, persons: Persons) -> Iterator[Document]:
        """Yields the rows of `persons` and those that have one of them as a neighbour."""
        return (row for row in documents(self._rows) if without(row, persons) != row)

    def erase(self, persons: Persons) -> int:
        """Returns how many rows were changed or removed."""
        count = 0
        for row in self.of(persons):
            if (left := without(row, persons)) is None:
                available(self._rows.delete_one, with_id(row["_id"]))
            else:
                available(self._rows.replace_one, with_id(row["_id"]), left)
            count += 1
        return count


def rows_of(file: Path, persons: Persons) -> Iterator[dict[str, Any]]:
    """Yields the rows of a file of the DAG that name one of `persons`."""
    return (row for row in _rows(file) if without(row, persons) != row)


def erase_from_file(file: Path, persons: Persons) -> int:
    """Writes the file anew without `persons`, if they are in it. Returns how many rows named them."""
    if not (count := sum(1 for _ in rows_of(file, persons))):
        return 0
    with atomic_file.writing(file) as out:
        for row in _rows(file):
            if (left := without(row, persons)) is not None:
                out.write(msgspec.json.encode(left) + b"\n")
    return count


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with suppress(FileNotFoundError), file.open("rb") as lines:
        for line in lines:
            yield msgspec.json.decode(line, type=dict[str, Any])
