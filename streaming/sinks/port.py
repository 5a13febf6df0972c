"""What the sinks need of the stores: each port has its real client and an in-memory stand-in, and one
contract suite runs over both (tests/contract/sinks). Pure."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from streaming.stores import Document


def session_version(session: Document) -> tuple[int, int, int]:
    """Orders the documents of one session: by arrival, then by log position. A document without them was not
    written by a stage and is older than all."""
    found = [session.get(name) for name in ("arrivedAtMs", "rawPartition", "rawOffset")]
    arrived_at_ms, partition, offset = (int(one) if isinstance(one, int) else -1 for one in found)
    return arrived_at_ms, partition, offset


class SessionStore(Protocol):
    """Valid sessions, one document each under `_id` = `sessionPseudonym`. Every method may raise
    StoreUnavailable."""

    def prepare(self) -> None:
        """Makes the indexes that extraction needs, where they are missing."""

    def insert(self, sessions: Sequence[Document]) -> int:
        """Stores each document, in the place of what has its `_id` unless that is a later version
        (`session_version`), and returns how many ids were new. In whatever order and however often versions
        come, the latest stands. On return all are safe from a crash of the store."""

    def remove(self, ids: Sequence[object]) -> None:
        """Deletes the documents with these `_id`s. On return they are gone for good."""

    def of_user(self, user_pseudonym: str, before_ms: int, most: int) -> list[Document]:
        """Returns sessions of a user that arrived before a moment, `most` of them at most."""

    def scan(self) -> Iterator[Document]:
        """Every document that was there when the scan began, whatever its `_id`; of later ones, some."""

    def key_ids(self, among: int | None = None) -> frozenset[str]:
        """Returns the ids of the keys with which pseudonyms were made: of all sessions, or of some `among`
        that many of them. Sessions of an earlier release have none."""

    def estimated_count(self) -> int:
        """About how many documents there are, at once."""


class Write(Struct, frozen=True, gc=False):
    """One document on its way into an index."""

    index: str
    """The index's name in topics.py, without prefix."""
    id: str
    version: int
    """Of two writes of one id the one with the higher version stands, in whatever order they come."""
    body: bytes
    """One JSON object, carried as it is."""
    month: str
    """The slice of the index to which it belongs, as contract/months.py names it."""
    moves: bool = True
    """Whether other versions of it may belong to other months."""


class Refusal(Struct, frozen=True):
    """A write that the index will never take, and why."""

    write: Write
    reason: str
    """A word of the index's own."""
    detail: str
    """May quote the document: not for logs."""


class DocumentIndex(Protocol):
    """Searchable documents by index and id. An index is divided into slices, one for each month, which are
    deleted as a whole. Every method may raise StoreUnavailable. An index that is not there takes nothing, but
    reads as an empty one."""

    def prepare(self, index: str, document: type[Struct]) -> None:
        """Makes `index` ready for documents of exactly the fields of `document`; may be called again."""

    def drop_if_other(self, index: str, document: type[Struct]) -> None:
        """Deletes the slices of `index` that know fields which `document` has not, as of an earlier release,
        with all that is in them."""

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        """Writes all, no two of which may have the same index and id; what it does not return is safe in the
        index, or gives way to a newer version, also one of another month: of each id one document stands.
        Having raised StoreUnavailable, it may have written some, and another version may stand beside one;
        writing them again makes it right."""

    def refresh(self, index: str) -> None:
        """What was put before is found from now on."""

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        """(id, document) of everything found in `index` at the moment the scan begins."""

    def versions(self, index: str) -> Iterator[tuple[str, int, Document]]:
        """(id, version, document) of everything found in `index` at the moment the scan begins."""

    def count(self, index: str) -> int:
        """How many documents are found in `index`."""

    def find(self, index: str, field: str, value: str) -> Iterator[tuple[str, Document]]:
        """(id, document) of what is found in `index` whose `field`, a word, is `value`."""

    def remove(self, index: str, field: str, value: str) -> int:
        """Deletes the documents of `index` whose `field`, a word, is `value`; returns how many were found."""

    def months(self, index: str) -> dict[str, int]:
        """How many documents are found in each slice of `index`, by month."""

    def drop(self, index: str, month: str) -> None:
        """Deletes a slice with all its documents; one that is not there is gone already."""
