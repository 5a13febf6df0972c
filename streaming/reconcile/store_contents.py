"""The documents of one store, and which of them match a session. Pure.

Uses 17 bytes per document, however long its id is.
"""

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
"""A document as JSON with sorted fields: equal for a Struct and its plain values. A value of a type that our
documents do not use is represented by its repr."""

MISSING, OTHER_CONTENT, OTHER_MAKER = "is missing", "has another content", "was made by another model"
OTHER_LISTS = "was made with other lists of words (./vitrine resummarise makes it anew)"
_UNMATCHED, _OLDER, _MATCHED, _EXCLUDED = 0, 1, 2, 3


class Maker(Struct, frozen=True):
    """Which fields of a store's documents depend on the version of the code that made them."""

    version_field: str
    """The field that contains the version."""
    version: str
    """The current version."""
    fields: frozenset[str]
    """The fields that may differ in a document of another version, `version_field` included."""

    def is_by_other_version(self, document: Document) -> bool:
        return document.get(self.version_field) != self.version

    def rest(self, document: Document) -> Document:
        return {name: value for name, value in document.items() if name not in self.fields}


def digest(document: object) -> int:
    """Returns 64 bits that depend on the document, but not on the order of its keys."""
    return xxh3_64_intdigest(as_json(document))


def id_digest(id_: str) -> int:
    """Returns 64 bits: among ten million ids, the probability that any two collide is three in a million."""
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
            if maker and maker.is_by_other_version(document):
                contents.append(digest(maker.rest(document)))
                older.append(_OLDER)
            else:
                contents.append(digest(document))
                older.append(_UNMATCHED)
        order = np.argsort(np.frombuffer(ids, np.uint64), kind="stable")
        self._ids, self._contents = _in_order(ids, order), _in_order(contents, order)
        self._state = bytearray(np.frombuffer(older, np.uint8)[order].tobytes())

    def match(self, id_: str, document: object, by_other_lists: Iterable[object] = ()) -> str | None:
        """Marks the document `id_` as matched and returns how it differs from `document`; None if it does
        not. `by_other_lists`: what other lists of words make of it."""
        at = self._at(id_)
        if at is None or self._state[at] in (_MATCHED, _EXCLUDED):
            return MISSING
        older, self._state[at] = self._state[at] == _OLDER, _MATCHED
        if older and self._maker:
            rest = self._maker.rest(msgspec.to_builtins(document))
            return OTHER_MAKER if self._contents[at] == digest(rest) else OTHER_CONTENT
        found = self._contents[at]
        if found == digest(document):
            return None
        return OTHER_LISTS if any(found == digest(other) for other in by_other_lists) else OTHER_CONTENT

    def is_matched(self, id_: str) -> bool:
        at = self._at(id_)
        return at is not None and self._state[at] == _MATCHED

    def exclude_if_present(self, id_: str) -> None:
        """Leaves the document `id_` out of the comparison, if the store has it."""
        at = self._at(id_)
        if at is not None:
            self._state[at] = _EXCLUDED

    def unmatched(self, documents: Iterable[tuple[str, object]]) -> Iterator[str]:
        """Yields the ids of documents that no session matched. Reads `documents`, all those of the store,
        again to find the ids, but only if there are such documents."""
        left = {self._ids[at] for at, state in enumerate(self._state) if state in (_UNMATCHED, _OLDER)}
        if left:
            named = {key: id_ for id_, _ in documents if (key := id_digest(id_)) in left}
            yield from sorted(named.values())
            yield from ("deleted meanwhile" for _ in left - named.keys())

    @property
    def excluded(self) -> int:
        return self._state.count(_EXCLUDED)

    @property
    def counted(self) -> int:
        return len(self._ids) - self.excluded

    def fingerprint(self) -> str:
        """Returns a digest of ids and contents of all documents counted, in any order: equal stores have
        equal ones."""
        total = sum(
            xxh3_128_intdigest(pack(">QQ", id_, content))
            for id_, content, state in zip(self._ids, self._contents, self._state, strict=True)
            if state != _EXCLUDED
        )
        return f"{total % 2**128:032x}"

    def _at(self, id_: str) -> int | None:
        key = id_digest(id_)
        at = bisect_left(self._ids, key)
        return at if at < len(self._ids) and self._ids[at] == key else None


def _in_order(column: "array[int]", order: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> "array[int]":
    return array("Q", np.frombuffer(column, np.uint64)[order].tobytes())
