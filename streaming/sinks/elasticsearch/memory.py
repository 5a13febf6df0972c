"""A DocumentIndex that only remembers, for unit tests."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from streaming.sinks.port import Refusal, Write
from streaming.stores import Document, StoreUnavailable


class InMemoryIndex:
    """Set `away` to have every call answered by StoreUnavailable."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, tuple[int, Document]]] = {}
        self.away = False
        self._types: dict[str, type[Struct]] = {}
        self._found: dict[str, dict[str, Document]] = {}

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the index is away")

    def prepare(self, index: str, document: type[Struct]) -> None:
        self._answer()
        self._types[index] = document
        self.documents.setdefault(index, {})

    def drop_if_other(self, index: str, document: type[Struct]) -> None:
        self._answer()
        known = {field.encode_name for field in msgspec.structs.fields(document)}
        held = self.documents.get(index, {})
        if any(body.keys() - known for _, body in held.values()):
            del self.documents[index]

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        self._answer()
        refused = []
        for write in writes:
            if write.index not in self.documents:
                raise StoreUnavailable(f"there is no index {write.index}")
            try:
                body = self._body(write)
            except msgspec.MsgspecError as error:
                refused.append(Refusal(write, "document_parsing_exception", str(error)))
                continue
            version, _ = self.documents[write.index].get(write.id, (0, {}))
            if write.version >= version:
                self.documents[write.index][write.id] = write.version, body
        return refused

    def refresh(self, index: str) -> None:
        self._answer()
        self._found[index] = {id_: body for id_, (_, body) in self.documents.get(index, {}).items()}

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        self._answer()
        yield from list(self._found.get(index, {}).items())

    def count(self, index: str) -> int:
        self._answer()
        return len(self._found.get(index, {}))

    def _body(self, write: Write) -> Document:
        msgspec.json.decode(write.body, type=self._types[write.index])
        body: Document = msgspec.json.decode(write.body, type=Document)
        known = {field.encode_name for field in msgspec.structs.fields(self._types[write.index])}
        if unknown := body.keys() - known:
            raise msgspec.ValidationError(f"unknown fields {sorted(unknown)}")
        if b"\n" in write.body:
            raise msgspec.ValidationError("not one line")
        return body
