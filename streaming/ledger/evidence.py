"""What the account is drawn from."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from streaming.ports import Document


class RawRecord(Struct, frozen=True):
    """A committed record of `user_session_info`."""

    partition: int
    offset: int
    arrived_at_ms: int
    key: bytes | None
    value: bytes | None


class ValidRecord(Struct, frozen=True):
    """A committed record of `valid_customer_session`."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


class RejectedRecord(Struct, frozen=True):
    """A committed record of `rejected_user_session`, where its headers say it comes from."""

    raw_partition: int
    raw_offset: int
    reason: str
    key: bytes | None
    value: bytes | None
    horizon_ms: int | None = None
    """By which it was judged too old, where it says so."""


class Evidence(Struct, frozen=True):
    """Everything that has to agree. Each iterable is read when its turn comes, in the order of the fields:
    stores before topics, so that whatever is in a store must be in the topic read after it, even while
    sessions keep coming. `valid` may be read once more."""

    until: Mapping[int, int]
    """By raw partition the offset before which everything has gone through all stages. What lies behind it
    may be anywhere on its way."""
    indexes: Mapping[str, Iterable[tuple[str, Document]]]
    """(id, document) of each index, by its name in topics.py."""
    mongodb: Iterable[Document]
    valid: Iterable[ValidRecord]
    rejected: Iterable[RejectedRecord]
    raw: Iterable[RawRecord]
