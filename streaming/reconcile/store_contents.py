"""What one store holds, until a session claims it. Pure. Seventeen bytes a document, however long its id."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from struct import pack

import msgspec
import numpy as np
from msgspec import Struct
from xxhash import xxh3_64_intdigest, xxh3_128_intdigest

from streaming.stores import Document

as_json = msgspec.json.Encoder(order="sorted", enc_hook=repr).encode
"""A document with its fields in order: alike for a Struct and the plain values of it. A value of a type
that no document of ours has is told apart by its text."""

MISSING, OTHER_CONTENT, OTHER_MAKER = "is missing", "has another content", "was made by another model"
_FREE, _OLDER, _TAKEN, _ASIDE = 0, 1, 2, 3


class Maker(Struct, frozen=True):
    """What of a store's documents depends on which version of our code made them."""

    said_in: str
    """The field that says which did."""
    version: str
    """The one that makes them now."""
    fields: frozenset[str]
    """What may differ in a document of another one, `said_in` included."""

    def is_another(self, document: Document) -> bool:
        return document.get(self.said_in) != self.version

    def rest(self, document: Document) -> Document:
        return {name: value for name, value in document.items() if name not in self.fields}


def digest(document: object) -> int:
    """64 bits of a document, whatever the order of its keys."""
    return xxh3_64_intdigest(as_json(document))


def id_digest(id_: str) -> int:
    """64 bits: of ten million ids two share theirs with a probability of three in a million."""
    return xxh3_64_intdigest(id_.encode(errors="surrogatepass"))


class StoreContents:
    """The documents found in the store called `where`."""

    def __init__(
        self, where: str, documents: Iterable[tuple[str, Document]], maker: Maker | None = None
    ) -> None:
        self.where, self._maker = where, maker
        ids, contents, older = array("Q"), array("Q"), bytearray()
        for id_, document in documents:
            ids.append(id_digest(id_))
            if maker and maker.is_another(document):
                contents.append(digest(maker.rest(document)))
                older.append(_OLDER)
            else:
                contents.append(digest(document))
                older.append(_FREE)
        order = np.argsort(np.frombuffer(ids, np.uint64), kind="stable")
        self._ids, self._contents = _in_order(ids, order), _in_order(contents, order)
        self._state = bytearray(np.frombuffer(older, np.uint8)[order].tobytes())

    def claim(self, id_: str, document: object) -> str | None:
        """What is wrong with the document `id_`, which should be there and equal `document`."""
        at = self._at(id_)
        if at is None or self._state[at] in (_TAKEN, _ASIDE):
            return MISSING
        older, self._state[at] = self._state[at] == _OLDER, _TAKEN
        if older and self._maker:
            rest = self._maker.rest(msgspec.to_builtins(document))
            return OTHER_MAKER if self._contents[at] == digest(rest) else OTHER_CONTENT
        return None if self._contents[at] == digest(document) else OTHER_CONTENT

    def is_claimed(self, id_: str) -> bool:
        at = self._at(id_)
        return at is not None and self._state[at] == _TAKEN

    def set_aside_if_held(self, id_: str) -> None:
        """Leaves the document `id_` out of the account, whether it is there already or not."""
        at = self._at(id_)
        if at is not None:
            self._state[at] = _ASIDE

    def unclaimed(self, documents: Iterable[tuple[str, object]]) -> Iterator[str]:
        """Ids of what nothing in the topics explains, found among the `documents` of the store, which are
        only read again if there is any such."""
        left = {self._ids[at] for at, state in enumerate(self._state) if state in (_FREE, _OLDER)}
        if left:
            named = {key: id_ for id_, _ in documents if (key := id_digest(id_)) in left}
            yield from sorted(named.values())
            yield from ("gone since" for _ in left - named.keys())

    @property
    def set_aside(self) -> int:
        return self._state.count(_ASIDE)

    @property
    def counted(self) -> int:
        return len(self._ids) - self.set_aside

    def fingerprint(self) -> str:
        """Of all documents counted, ids and contents, in whatever order: equal stores have equal ones."""
        total = sum(
            xxh3_128_intdigest(pack(">QQ", id_, content))
            for id_, content, state in zip(self._ids, self._contents, self._state, strict=True)
            if state != _ASIDE
        )
        return f"{total % 2**128:032x}"

    def _at(self, id_: str) -> int | None:
        key = id_digest(id_)
        at = bisect_left(self._ids, key)
        return at if at < len(self._ids) and self._ids[at] == key else None


def _in_order(column: "array[int]", order: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> "array[int]":
    return array("Q", np.frombuffer(column, np.uint64)[order].tobytes())
