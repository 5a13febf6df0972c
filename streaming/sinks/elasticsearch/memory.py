"""A DocumentIndex that only remembers, for unit tests."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from streaming.sinks.port import Refusal, Write
from streaming.stores import Document, StoreUnavailable

Slice = dict[str, tuple[int, Document]]
"""Version and document by id."""


class InMemoryIndex:
    """Set `away` to have every call answered by StoreUnavailable."""

    def __init__(self) -> None:
        self.slices: dict[str, dict[str, Slice]] = {}
        self.away = False
        self._types: dict[str, type[Struct]] = {}
        self._found: dict[str, dict[str, Slice]] = {}

    def documents(self, index: str) -> dict[str, Document]:
        """Returns what stands in `index`, by id, found yet or not."""
        return {id_: body for held in self.slices[index].values() for id_, (_, body) in held.items()}

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the index is away")

    def prepare(self, index: str, document: type[Struct]) -> None:
        self._answer()
        self._types[index] = document
        self.slices.setdefault(index, defaultdict(dict))

    def drop_if_other(self, index: str, document: type[Struct]) -> None:
        self._answer()
        known = {field.encode_name for field in msgspec.structs.fields(document)}
        for month, held in list(self.slices.get(index, {}).items()):
            if any(body.keys() - known for _, body in held.values()):
                self.drop(index, month)

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        self._answer()
        refused = []
        for write in writes:
            if write.index not in self.slices:
                raise StoreUnavailable(f"there is no index {write.index}")
            try:
                body = self._body(write)
            except msgspec.MsgspecError as error:
                refused.append(Refusal(write, "document_parsing_exception", str(error)))
                continue
            self._stand(self.slices[write.index], write, body)
        return refused

    def _stand(self, slices: dict[str, Slice], write: Write, body: Document) -> None:
        held = [held[write.id][0] for held in slices.values() if write.id in held]
        if all(version <= write.version for version in held):
            for other in slices.values():
                other.pop(write.id, None)
            slices[write.month][write.id] = write.version, body

    def refresh(self, index: str) -> None:
        self._answer()
        self._found[index] = {month: dict(held) for month, held in self.slices.get(index, {}).items()}

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        return ((id_, body) for id_, _, body in self.versions(index))

    def versions(self, index: str) -> Iterator[tuple[str, int, Document]]:
        self._answer()
        for held in list(self._found.get(index, {}).values()):
            yield from [(id_, *found) for id_, found in held.items()]

    def count(self, index: str) -> int:
        return sum(self.months(index).values())

    def find(self, index: str, field: str, value: str) -> Iterator[tuple[str, Document]]:
        return ((id_, body) for id_, body in self.scan(index) if body.get(field) == value)

    def remove(self, index: str, field: str, value: str) -> int:
        self._answer()
        gone = 0
        for held in self.slices.get(index, {}).values():
            for id_ in [id_ for id_, (_, body) in held.items() if body.get(field) == value]:
                del held[id_]
                gone += 1
        return gone

    def months(self, index: str) -> dict[str, int]:
        self._answer()
        return {month: len(held) for month, held in self._found.get(index, {}).items()}

    def drop(self, index: str, month: str) -> None:
        self._answer()
        for slices in (self.slices, self._found):
            slices.get(index, {}).pop(month, None)

    def _body(self, write: Write) -> Document:
        msgspec.json.decode(write.body, type=self._types[write.index])
        body: Document = msgspec.json.decode(write.body, type=Document)
        known = {field.encode_name for field in msgspec.structs.fields(self._types[write.index])}
        if unknown := body.keys() - known:
            raise msgspec.ValidationError(f"unknown fields {sorted(unknown)}")
        if b"\n" in write.body:
            raise msgspec.ValidationError("not one line")
        return body
