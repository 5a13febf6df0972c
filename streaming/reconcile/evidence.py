"""The input of a comparison: contents of topics and stores."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from streaming.contract.feeds import ImportKeys
from streaming.contract.horizon import Horizon
from streaming.contract.log_position import LogPosition
from streaming.contract.pseudonym import Pseudonyms
from streaming.retention.boundary import NOTHING_EXPIRED, Boundaries
from streaming.stores import Document
from streaming.summaries.key_limit import KeyLimit
from streaming.words.lists import Words


class OffsetRange(Struct, frozen=True):
    """Offsets of one partition, first <= offset < end."""

    first: int
    end: int

    def __contains__(self, offset: int) -> bool:
        return self.first <= offset < self.end


class RawRecord(Struct, frozen=True):
    """A committed record of `user_session_info`."""

    partition: int
    offset: int
    arrived_at_ms: int
    key: bytes | None
    value: bytes | None
    corrects: LogPosition | None = None
    """The rejected message that it corrects."""


class ValidRecord(Struct, frozen=True):
    """A committed record of `valid_customer_session`."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class RejectedRecord(Struct, frozen=True):
    """A committed record of `rejected_user_session`, with the raw position from its headers."""

    partition: int
    raw_partition: int
    raw_offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    horizon_ms: int | None = None
    """The horizon by which it was rejected as too old, if its headers contain it."""
    refused_by: str | None = None
    """Who has refused analytics, if its headers contain it."""


StageOffsets = Mapping[str, Mapping[str, Mapping[int, int]]]
"""By stage, topic and partition, the offset up to which the stage has read."""


class ReconcileScope(Struct, frozen=True):
    """What is compared: everything that all stages had processed when the comparison began."""

    spans: Mapping[int, OffsetRange]
    """The offsets compared, by raw partition."""
    until: Mapping[int, int]
    """By raw partition, the offset before which all stages have processed everything. Later messages may be
    at any stage."""
    valid_from: Mapping[int, int] = field(default_factory=dict)
    """By partition of the valid sessions, an offset before which all come from raw messages before
    `until`."""
    cut: Mapping[str, Collection[int]] = field(default_factory=dict)
    """By topic of outcomes, the partitions whose oldest records retention has deleted."""
    stages: StageOffsets = field(default_factory=dict)
    whole: bool = True
    """True if everything is compared, False if only a period."""


class Evidence(Struct, frozen=True):
    """Everything that has to agree. The iterables are read one after the other, in the order of the fields:
    stores before topics, so that whatever is in a store must be in the topic read after it, even while
    sessions keep coming. All but `raw` may be read once more, to name the sessions of discrepancies."""

    scope: ReconcileScope
    allowed_lateness_ms: int
    """The lateness beyond which the gate marks a live session as late."""
    horizon: Horizon
    """How long the gate remembers users."""
    key_limit: KeyLimit
    """How many window totals one session may make."""
    words: Words
    """The lists with whose words summaries are made."""
    imports: ImportKeys
    """By what the gate knows the feeds of imports."""
    pseudonyms: Pseudonyms
    """By what it knows users and sessions."""
    indexes: Mapping[str, Iterable[tuple[str, Document]]]
    """(id, document) of each index, by its name in topics.py."""
    mongodb: Iterable[Document]
    valid: Iterable[ValidRecord]
    rejected: Iterable[RejectedRecord]
    raw: Iterable[RawRecord]
    """Those from the beginning of the spans on."""
    boundaries: Boundaries = NOTHING_EXPIRED
    """Before which moments retention has deleted sessions and documents."""
