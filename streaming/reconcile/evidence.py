"""What the account is drawn from."""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from streaming.contract.horizon import Horizon
from streaming.contract.log_position import LogPosition
from streaming.stores import Document


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
    """The rejected message in whose place it was sent."""


class ValidRecord(Struct, frozen=True):
    """A committed record of `valid_customer_session`."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class RejectedRecord(Struct, frozen=True):
    """A committed record of `rejected_user_session`, and where its headers say it comes from."""

    partition: int
    raw_partition: int
    raw_offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    horizon_ms: int | None = None
    """By which it was judged too old, where it says so."""


StageOffsets = Mapping[str, Mapping[str, Mapping[int, int]]]
"""By stage, topic and partition, the offset up to which the stage has read."""


class ReconcileScope(Struct, frozen=True):
    """Where everything stood when the account began, once all stages had dealt with it."""

    spans: Mapping[int, OffsetRange]
    """By raw partition what is judged."""
    until: Mapping[int, int]
    """By raw partition the offset before which everything has gone through all stages. What lies behind it
    may be anywhere on its way."""
    valid_from: Mapping[int, int] = field(default_factory=dict)
    """By partition of the valid sessions an offset before which all come from raw ones before `until`."""
    cut: Mapping[str, Collection[int]] = field(default_factory=dict)
    """By topic of outcomes, the partitions whose head retention has deleted."""
    stages: StageOffsets = field(default_factory=dict)
    whole: bool = True
    """Whether the spans hold all that there is, not a period of it."""


class Evidence(Struct, frozen=True):
    """Everything that has to agree. Each iterable is read when its turn comes, in the order of the fields:
    stores before topics, so that whatever is in a store must be in the topic read after it, even while
    sessions keep coming. All but `raw` may be read once more, to name what breaks."""

    standing: ReconcileScope
    allowed_lateness_ms: int
    """By which the gate calls a live session late."""
    horizon: Horizon
    """Within which it knows users again."""
    indexes: Mapping[str, Iterable[tuple[str, Document]]]
    """(id, document) of each index, by its name in topics.py."""
    mongodb: Iterable[Document]
    valid: Iterable[ValidRecord]
    rejected: Iterable[RejectedRecord]
    raw: Iterable[RawRecord]
    """From the beginning of the spans on."""
