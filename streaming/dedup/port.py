"""The port of the dedup store: the one in Redis and the in-memory stand-in pass the same contract tests
(tests/contract/dedup). Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import NamedTuple, NewType, Protocol

from msgspec import Struct

from streaming.contract.log_position import packed
from streaming.contract.session import Visit

Generation = NewType("Generation", str)
"""The name of one complete set of claims."""

RawPosition = NewType("RawPosition", int)
"""A log position as one number of 64 bits, the first of which is 0."""


def raw_position(partition: int, offset: int) -> RawPosition:
    """Returns the position of a raw message as one number."""
    return RawPosition(packed(partition, offset))


class ClaimAnswer(Enum):
    """The result of a claim for one session."""

    TAKEN = auto()
    """Another raw message has the claim on this session: it is a repeat."""
    NEW_USER = auto()
    """This message has the claim on the session, and on its user."""
    KNOWN_USER = auto()
    """This message has the claim on the session; another one has the claim on the user."""
    OLD = auto()
    """Only in a rebuild: so old that no message can see its claim any more; counted, but not claimed."""
    TOO_MANY_IMPORTS = auto()
    """Of a new import, and the store keeps the first arrivals of no further one."""
    BEYOND = auto()
    """So old that it can no longer be decided whether this is a repeat."""


class OutOfSync(Exception):
    """The dedup store does not contain everything that is committed in the log: it must be rebuilt first."""


class StoreProgress(Struct, frozen=True):
    """Up to which offsets a dedup store contains the claims."""

    generation: Generation
    """Each rebuild makes a new one."""
    log: str
    """The identity of the topics from which it was built."""
    offsets: dict[int, int]
    """For each raw partition, the offset after the last message seen."""


class LogProgress(Struct, frozen=True):
    """Up to which offsets the gate has decided the log."""

    log: str
    """The identity of the topics; another one after they were deleted and created again."""
    offsets: dict[int, int]
    """The next offset of each raw partition with a committed offset."""
    arrived_ms: dict[int, int]
    """The newest arrival before that offset, for the same partitions."""
    low_watermark_ms: int
    """All messages not committed yet arrived at this time or later."""
    begins_ms: int
    """Retention may have deleted valid sessions that arrived before this; 0 if it has deleted none."""


class BatchSpan(NamedTuple):
    """The part of a batch that is from one raw partition."""

    committed: int
    """The offset at which it begins, which is committed."""
    upto: int
    """The offset after it."""
    arrived_ms: int
    """The newest arrival in it."""


class ClaimRequest(NamedTuple):
    """Sessions to be claimed in one step, as parallel columns: sessions, positions of their raw messages, and
    arrivals."""

    generation: Generation
    """The generation that the caller expects to be in use, or under construction."""
    sessions: Sequence[Visit]
    positions: Sequence[RawPosition]
    arrived_ms: Sequence[int]
    spans: Mapping[int, BatchSpan] = {}
    """For each raw partition the span of the batch, its rejected messages included; empty in a rebuild."""


class FilterFill(Struct, frozen=True):
    """How full one Bloom filter is. Results are exact in any case: a false positive only costs a look-up."""

    name: str
    """`sessions` or `users`, and the number of its segment of the horizon."""
    capacity: int
    """The number of items it was reserved for; beyond them it grows by a layer, and look-ups become
    slower."""
    items: int
    error_rate_estimate: float
    """The share of new items that it now takes for known ones."""
    size_bytes: int


class DedupStore(Protocol):
    """Which sessions and users were seen within the horizon (streaming.contract.horizon), and by which raw
    message first. Every method may raise StoreUnavailable; `generation` is the one that the caller expects to
    be in use."""

    def standing(self) -> StoreProgress | None:
        """Returns the progress of the generation in use; None if there is none, or if it is not complete."""

    def incarnation(self) -> str:
        """Returns the identity of the server's process, which changes with a restart."""

    def is_trusted(self) -> bool:
        """True if a gate has compared this store with the log since the server started."""

    def trust(self, incarnation: str) -> bool:
        """Marks the store as compared with the log. Returns whether the server is still the same
        `incarnation`."""

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        """In one atomic step: claims each session, and its user, for the raw message at its position, unless
        another message visible to it has the claim; records the first arrival of each feed; counts distinct
        users; and records the offset seen for each partition in the spans. Returns one answer per session, in
        their order; a repeated claim gets the same answer again. Raises OutOfSync if the store is not
        trusted, has another generation, lacks a filter, or has not seen everything that is committed."""

    def start_rebuild(self, generation: Generation, committed: LogProgress) -> int | None:
        """Begins an empty `generation` beside the one in use. Returns the arrival time from which on valid
        sessions must be restored: claims that no message can see any more are not restored, and users already
        counted are not counted again. Returns None while another gate is rebuilding."""

    def restore(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        """Claims like `claim`, in the generation under construction. Raises OutOfSync if that is another
        one."""

    def finish_rebuild(self, generation: Generation, committed: LogProgress) -> None:
        """Replaces the generation in use by the one under construction, which contains everything that is
        `committed`. Raises OutOfSync if another one is under construction."""

    def forget_before(self, generation: Generation, low_watermark_ms: int) -> None:
        """Drops the segments that no message can see that arrives at `low_watermark_ms` or later. If a later
        message has an earlier arrival, because a clock was set back, it is treated as if it arrived at the
        earliest time that is kept. Raises OutOfSync if another generation is in use."""

    def filter_fill(self) -> list[FilterFill]:
        """Returns the filters of the generation in use, oldest segment first."""

    def distinct_users(self) -> int:
        """Returns an estimate of the number of distinct users of all valid sessions."""
