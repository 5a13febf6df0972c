"""What is left of a session whose user was erased. Pure.

It stands where the session stood, in the log and in MongoDB: so every raw message still has its outcome, and
window totals can be counted again. It says nothing of whose it was. Its name follows from the position of the
raw message alone, and of what was done it has only what windows sum, in no order.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from streaming.contract.session import Id, Name, TimeMs, Word

Times = Annotated[int, Meta(ge=0)]


class Amount(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """What a session adds to the window totals of one product under one name and category."""

    product_id: Id
    product_name: Name
    category: Word
    views: Times = 0
    carts: Times = 0
    removals: Times = 0
    purchases: Times = 0
    revenue_cents: Times = 0
    """The sum of the prices of its purchases."""


class ErasedSession(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """A message of `valid_customer_session`, and with `_id` = `sessionPseudonym` a document in MongoDB."""

    erased: Literal[1]
    """By which it is told from a session."""
    session_pseudonym: str
    """Made by `name`: not that of the session."""
    raw_partition: int
    raw_offset: int
    arrived_at_ms: int
    event_time_ms: TimeMs
    feed: Word
    late: bool
    amounts: list[Amount]
    """Sorted; the limits of products and categories (summaries/key_limit.py) were applied before. None of a
    late session, which is in no window."""


ERASED = "erased"
"""The field that only an erased session has, and where its key says so."""
_decoder = msgspec.json.Decoder(ErasedSession)
_encoder = msgspec.json.Encoder()
_MARK = b'"erased":1'
"""Within a string the quotes would be escaped."""


def name(raw_partition: int, raw_offset: int, arrived_at_ms: int) -> str:
    """Returns the `session_pseudonym` of what is left of a session: always the same for one raw message, and
    another for one of a log that took the place of an earlier one."""
    return f"{ERASED}:{raw_partition}:{raw_offset}:{arrived_at_ms}"


def encode(session: ErasedSession) -> bytes:
    """Returns the canonical JSON bytes."""
    return _encoder.encode(session)


def try_decode(value: bytes) -> ErasedSession | None:
    """Returns what is left of a session in `value`; None if it is anything else."""
    if _MARK not in value:
        return None
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None
