"""Indices of Elasticsearch as a part of a backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import bson

from stack.backup import records
from stack.backup.part import Tell
from stack.backup.sealing import Writable
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.port import Write

_BULK = 5_000


@dataclass(frozen=True)
class IndexPart:
    """What the stage `index` has written. Of each document the newest stands, so that restoring takes back
    nothing: the log has most of it, but not the windows and summaries of sessions that it has no longer."""

    name: str
    index: ElasticsearchIndex
    needs: Sequence[str] = ("elasticsearch",)

    def present(self) -> str:
        return ""

    def save(self, out: Writable, tell: Tell) -> list[str]:
        for index in DOCUMENTS:
            about = self.index.count(index)
            out.write(bson.encode({"index": index}))
            for count, write in enumerate(self.index.writes(index), start=1):
                document = {"id": write.id, "version": write.version, "body": write.body}
                out.write(bson.encode({"document": document}))
                if count % _BULK == 0:
                    tell(records.share(index, count, about))
        return []

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        """Documents that this version of the index does not take are counted: the log makes them anew."""
        total = refused = 0
        for head, found in records.sections(saved, "index"):
            name = head["index"]
            if name in DOCUMENTS:
                self.index.prepare(name, DOCUMENTS[name])
            while batch := [one["document"] for one in islice(found, _BULK)]:
                writes = [Write(name, one["id"], one["version"], one["body"]) for one in batch]
                refused += len(self.index.put(writes) if name in DOCUMENTS else writes)
                total += len(batch)
                tell(f"{total:,} documents")
            self.index.refresh(name)
        told = f"{total - refused:,} documents, where there is no newer one"
        return f"{told}; {refused:,} have another form than now: ./vitrine resummarise" if refused else told
