"""A valid session as MongoDB keeps it. Pure."""

import msgspec

from streaming.contract import valid_session
from streaming.stores import Document


def document(value: bytes) -> Document:
    """Returns a message of `valid_customer_session` as plain values, with `_id` = `sessionId`. Raises
    msgspec.DecodeError on bytes that no gate wrote: they become a dead letter."""
    session = valid_session.decode(value)
    fields: Document = msgspec.to_builtins(session)
    return {"_id": session.session_id, **fields}
