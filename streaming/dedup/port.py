"""What the gate needs of a store of seen sessions: the real one and its in-memory stand-in pass one
contract suite (tests/contract/dedup). Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple, NewType, Protocol

from msgspec import Struct

from streaming.contract.log_position import packed
from streaming.contract.session import Visit

Generation = NewType("Generation", str)
"""The name of one complete set of claims."""

RawPosition = NewType("RawPosition", int)
"""A log position as one number, of which the first of 64 bits is free."""


def raw_position(partition: int, offset: int) -> RawPosition:
    """Of a raw message."""
    return RawPosition(packed(partition, offset))


class ClaimAnswer(Enum):
    """What the store of seen sessions answers for one session."""

    TAKEN = auto()
    """Another raw message claimed this session: it is a repetition."""
    NEW_USER = auto()
    """This message holds the claim, and its user's first one too."""
    KNOWN_USER = auto()
    """This message holds the claim; another session claimed the user."""
    OLD = auto()
    """In a rebuild: so old that no message can see its claim any more; counted, not claimed."""
    BEYOND = auto()
    """Nobody can tell any more whether this is a repetition."""


class OutOfSync(Exception):
    """The store of seen sessions does not know all that the log has committed: recover first."""


class StoreProgress(Struct, frozen=True):
    """How far a store of seen sessions has come."""

    generation: Generation
    """Each rebuild makes a new one."""
    log: str
    """Identity of the topics it was built from."""
    offsets: dict[int, int]
    """Raw offset seen up to, for each partition."""


class LogProgress(Struct, frozen=True):
    """How far the log has been decided."""

    log: str
    """Identity of the topics; another one after they were made anew."""
    offsets: dict[int, int]
    """Next offset of each raw partition of which anything is committed."""
    arrived_ms: dict[int, int]
    """Newest arrival before that offset, for the same partitions."""
    low_watermark_ms: int
    """Whatever is still to be committed arrived at this time or later."""
    begins_ms: int
    """Valid sessions that arrived before this may have left the log by retention; 0 while it is whole."""


class BatchSpan(NamedTuple):
    """A batch on its raw partition."""

    committed: int
    """The offset where it begins, committed before."""
    upto: int
    """The offset after it."""
    arrived_ms: int
    """Newest arrival in it."""


class ClaimRequest(NamedTuple):
    """Sessions to be claimed in one step, as columns that run parallel: each session, the position of its raw
    message, and when that arrived."""

    generation: Generation
    """What the caller believes to be in use, or under construction."""
    sessions: Sequence[Visit]
    positions: Sequence[RawPosition]
    arrived_ms: Sequence[int]
    spans: Mapping[int, BatchSpan] = {}
    """For each raw partition how far the batch goes, its refused messages included; none in a rebuild."""


class FilterFill(Struct, frozen=True):
    """How full one Bloom filter is. Exactness never depends on it: a false positive costs a look-up."""

    name: str
    """`sessions` or `users`, and the number of its segment of the horizon."""
    capacity: int
    """Items it was reserved for; beyond them it grows by a layer, and look-ups become dearer."""
    items: int
    error_rate_estimate: float
    """Share of unseen items that it now takes for seen ones."""
    size_bytes: int


class DedupStore(Protocol):
    """Which sessions and users have been seen within the horizon (streaming.contract.horizon), and which raw
    message came first with each. Every method may raise StoreUnavailable; `generation` names what the caller
    believes to be in use."""

    def standing(self) -> StoreProgress | None:
        """How far the generation in use has come; None where there is none, or not all of it."""

    def incarnation(self) -> str:
        """Of the server's process: another one after a restart."""

    def is_trusted(self) -> bool:
        """Whether somebody has compared this store with the log since the server started."""

    def trust(self, incarnation: str) -> bool:
        """Declares the store compared with the log; whether the server still is the `incarnation` it was."""

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        """In one atomic step: claims each session, and its user, for the raw message at its position unless
        another one visible to it holds the claim, notes when each feed first arrived, counts distinct users,
        and notes for each partition in the spans how far it was seen. One answer a session, in their order;
        a repeated claim gets the answer it got. Raises OutOfSync if the store is not trusted, has another
        generation, lacks a filter, or has not seen what was committed."""

    def start_rebuild(self, generation: Generation, committed: LogProgress) -> int | None:
        """Begins an empty `generation` beside the one in use. Gives the arrival time since which it has to
        hear of valid sessions: claims that nobody can see any more are not restored, users counted already
        are not counted again. None while somebody else is building."""

    def restore(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        """Claims like `claim` in the generation under construction. Raises OutOfSync if another one is."""

    def finish_rebuild(self, generation: Generation, committed: LogProgress) -> None:
        """Puts the generation under construction to use in place of the old one: it knows all that is
        `committed`. Raises OutOfSync if another one is under construction."""

    def forget_before(self, generation: Generation, low_watermark_ms: int) -> None:
        """Drops the segments that no message can see which arrived at `low_watermark_ms` or later. A
        message that says it arrived before all that is left (a clock set back) is taken as arrived with
        it. Raises OutOfSync if another generation is in use."""

    def filter_fill(self) -> list[FilterFill]:
        """The filters of the generation in use, oldest segment first."""

    def distinct_users(self) -> int:
        """Estimate of the distinct users of all valid sessions."""
