"""What the stages need of the stores, and nothing of how: each port has its real adapter and a remembering
stand-in, and one contract suite runs over both (tests/contract)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from streaming.events.contract import Visit

Document = dict[str, Any]
"""A JSON object as plain Python values."""


class StoreAway(Exception):
    """A component does not do its work at the moment; the same call may succeed later. The text says which
    and why, without any message's content."""


class OutOfStep(Exception):
    """The store of seen sessions does not know all that the log has committed: recover first."""


class Standing(Struct, frozen=True):
    """How far a store of seen sessions has come."""

    generation: str
    """Each rebuild makes a new one."""
    log: str
    """Identity of the topics it was built from."""
    offsets: dict[int, int]
    """Raw offset seen up to, for each partition."""


class Committed(Struct, frozen=True):
    """How far the log has been decided."""

    log: str
    """Identity of the topics; another one after they were made anew."""
    offsets: dict[int, int]
    """Next offset of each raw partition of which anything is committed."""
    arrived_ms: dict[int, int]
    """Newest arrival before that offset, for the same partitions."""
    settled_ms: int
    """Whatever is still to be committed arrived at this time or later."""
    begins_ms: int
    """Valid sessions that arrived before this may have left the log by retention; 0 while it is whole."""


class Span(NamedTuple):
    """A batch on its raw partition."""

    committed: int
    """The offset where it begins, committed before."""
    upto: int
    """The offset after it."""
    arrived_ms: int
    """Newest arrival in it."""


class FilterFill(Struct, frozen=True):
    """How full one Bloom filter is. Exactness never depends on it: a false positive costs a look-up."""

    name: str
    """`sessions` or `users`, and the number of its segment of the horizon."""
    capacity: int
    """Items it was reserved for; beyond them it grows by a layer, and look-ups become dearer."""
    items: int
    error_rate_estimate: float
    """Share of unseen items that it now takes for seen ones."""
    bytes: int


class SeenSessions(Protocol):
    """Which sessions and users have been seen within the horizon (streaming.events.horizon), and which raw
    message came first with each. Every method may raise StoreAway; `generation` names what the caller
    believes to be in use. Sessions, positions and arrivals run parallel."""

    def standing(self) -> Standing | None:
        """How far the generation in use has come; None where there is none, or not all of it."""

    def incarnation(self) -> str:
        """Of the server's process: another one after a restart."""

    def is_trusted(self) -> bool:
        """Whether somebody has compared this store with the log since the server started."""

    def trust(self, incarnation: str) -> bool:
        """Declares the store compared with the log; whether the server still is the `incarnation` it was."""

    def claim(
        self,
        generation: str,
        sessions: Sequence[Visit],
        positions: Sequence[int],
        arrived_ms: Sequence[int],
        spans: Mapping[int, Span],
    ) -> bytes:
        """In one atomic step: claims each session, and its user, for the raw message at its position unless
        another one visible to it holds the claim, notes when each feed first arrived, counts distinct users,
        and notes for each partition in `spans` how far it was seen. Answers one byte a session, as
        streaming.gate.decide has them; a repeated claim gets the answer it got. Raises OutOfStep if the store
        is not trusted, has another generation, lacks a filter, or has not seen what was committed."""

    def start_rebuild(self, generation: str, committed: Committed) -> int | None:
        """Begins an empty `generation` beside the one in use. Gives the arrival time since which it has to
        hear of valid sessions: claims that nobody can see any more are not restored, users counted already
        are not counted again. None while somebody else is building."""

    def restore(
        self,
        generation: str,
        sessions: Sequence[Visit],
        positions: Sequence[int],
        arrived_ms: Sequence[int],
    ) -> bytes:
        """Claims like `claim` in the generation under construction. Raises OutOfStep if another one is."""

    def finish_rebuild(self, generation: str, committed: Committed) -> None:
        """Puts the generation under construction to use in place of the old one: it knows all that is
        `committed`. Raises OutOfStep if another one is under construction."""

    def forget_before(self, generation: str, settled_ms: int) -> None:
        """Drops the segments that no message can see which arrived at `settled_ms` or later. A message that
        says it arrived before all that is left (a clock set back) is taken as arrived with it. Raises
        OutOfStep if another generation is in use."""

    def filter_fill(self) -> list[FilterFill]:
        """The filters of the generation in use, oldest segment first."""

    def distinct_users(self) -> int:
        """Estimate of the distinct users of all valid sessions."""


def session_version(session: Document) -> tuple[int, int, int]:
    """Orders the documents of one session: by arrival, then by place in the raw log. What says none of it was
    written by nobody of ours and is older than all."""
    found = [session.get(name) for name in ("arrivedAtMs", "rawPartition", "rawOffset")]
    arrived_at_ms, partition, offset = (int(one) if isinstance(one, int) else -1 for one in found)
    return arrived_at_ms, partition, offset


class SessionStore(Protocol):
    """Valid sessions, one document each under `_id` = `sessionId`. Every method may raise StoreAway."""

    def prepare(self) -> None:
        """Makes the indexes that extraction needs, where they are missing."""

    def insert(self, sessions: Sequence[Document]) -> int:
        """Stores each document, in the place of what has its `_id` unless that is a later version
        (`session_version`), and returns how many ids were new. In whatever order and however often versions
        come, the latest stands. On return all are safe from a crash of the store."""

    def scan(self) -> Iterator[Document]:
        """Every document that was there when the scan began, whatever its `_id`; of later ones, some."""

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


class Refusal(Struct, frozen=True):
    """A write that the index will never take, and why."""

    write: Write
    reason: str
    """A word of the index's own."""
    detail: str
    """May quote the document: not for logs."""


class DocumentIndex(Protocol):
    """Searchable documents by index and id. Every method may raise StoreAway. An index that is not there
    takes nothing, but reads as an empty one."""

    def prepare(self, index: str, document: type[Struct]) -> None:
        """Makes `index` ready for documents of exactly the fields of `document`; may be called again."""

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        """Writes all, no two of which may have the same index and id; what it does not return is safe in the
        index, or gives way to a newer version. Having raised StoreAway, it may have written some."""

    def refresh(self, index: str) -> None:
        """What was put before is found from now on."""

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        """(id, document) of everything found in `index` at the moment the scan begins."""

    def count(self, index: str) -> int:
        """How many documents are found in `index`."""
