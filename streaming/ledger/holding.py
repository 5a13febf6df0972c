"""What one store holds, until a session claims it. Pure. Sixteen bytes a document beside its id."""

from collections.abc import Iterable, Iterator

import msgspec
from xxhash import xxh3_128_digest


def _plain(value: object) -> object:
    """A long integer comes out of MongoDB in a class of its own. A value of a type that no document of ours
    has is told apart by its text."""
    return int(value) if isinstance(value, int) else repr(value)


_encode = msgspec.json.Encoder(order="sorted", enc_hook=_plain).encode


def digest(document: object) -> bytes:
    """Of the document as JSON with its fields in order: alike for a Struct and the plain values of it."""
    return xxh3_128_digest(_encode(document))


class Holding:
    """The documents found in the store called `where`."""

    def __init__(self, where: str, documents: Iterable[tuple[str, object]]) -> None:
        self.where = where
        self._digests = {id_: digest(document) for id_, document in documents}
        self.found = len(self._digests)
        self.set_aside = 0
        """Documents of sessions that are not in the account yet."""

    def claim(self, id_: str, document: object) -> str | None:
        """What is wrong with the document `id_`, which should be there and equal `document`."""
        held = self._digests.pop(id_, None)
        if held is None:
            return "is missing"
        return None if held == digest(document) else "has another content"

    def set_aside_if_held(self, id_: str) -> None:
        """Leaves the document `id_` out of the account, whether it is there already or not."""
        if self._digests.pop(id_, None) is not None:
            self.set_aside += 1

    def unclaimed(self) -> Iterator[str]:
        """Ids of the documents that nothing in the topics explains."""
        yield from self._digests

    @property
    def counted(self) -> int:
        return self.found - self.set_aside
