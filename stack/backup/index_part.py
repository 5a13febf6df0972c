"""Indices of Elasticsearch as a part of a backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import bson
import msgspec
from bson.raw_bson import RawBSONDocument

from stack.backup import records
from stack.backup.part import Tell
from stack.backup.sealing import Writable
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.newest import dated
from streaming.sinks.port import DocumentIndex, Write

_BULK = 5_000
_MADE_ANEW = (
    ": after ./vitrine up, ./vitrine migrate makes them anew from the sessions in MongoDB, and ./vitrine "
    "resummarise those of the sessions in the log, with what only Flink knows"
)


@dataclass(frozen=True)
class IndexPart:
    """What the stage `index` has written. Of each document the newest stands, so that restoring takes back
    nothing: the log has most of it, but not the windows and summaries of sessions that it has no longer."""

    name: str
    index: DocumentIndex
    needs: Sequence[str] = ("elasticsearch",)

    def present(self) -> str:
        return ""

    def save(self, out: Writable, tell: Tell) -> list[str]:
        for index in DOCUMENTS:
            self.index.refresh(index)  # what the stage has committed is in it
            about = self.index.count(index)
            out.write(bson.encode({"index": index}))
            for count, (id_, version, document) in enumerate(self.index.versions(index), start=1):
                held = {"id": id_, "version": version, "body": msgspec.json.encode(document)}
                out.write(bson.encode({"document": held}))
                if count % _BULK == 0:
                    tell(records.share(index, count, about))
        return []

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        """Each document goes into the slice of its time. What this version of the index does not take is
        counted: the sessions in MongoDB, and the log, make it anew."""
        total = refused = 0
        for head, found in records.sections(saved, "index"):
            name = head["index"]
            if name in DOCUMENTS:
                self.index.prepare(name, DOCUMENTS[name])
            while batch := [one["document"] for one in islice(found, _BULK)]:
                writes = [write for one in batch if (write := _write(name, one))]
                taken = len(writes) - len(self.index.put(writes)) if name in DOCUMENTS else 0
                refused += len(batch) - taken
                total += len(batch)
                tell(f"{total:,} documents")
            self.index.refresh(name)
        told = f"{total - refused:,} documents, where there is no newer one"
        return f"{told}; {refused:,} have another form than now{_MADE_ANEW}" if refused else told


def _write(index: str, held: RawBSONDocument) -> Write | None:
    return dated(index, held["id"], held["version"], held["body"])
