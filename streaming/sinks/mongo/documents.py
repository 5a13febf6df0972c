"""A valid session as MongoDB keeps it. Pure."""

import msgspec

from streaming.contract import valid_session
from streaming.stores import Document


def document(value: bytes) -> Document:
    """The message of `valid_customer_session` as plain values, with `_id` = `sessionId`.
    Raises msgspec.DecodeError on bytes that no gate wrote: to go on would be to lose a session silently."""
    session = valid_session.decode(value)
    fields: Document = msgspec.to_builtins(session)
    return {"_id": session.session_id, **fields}
