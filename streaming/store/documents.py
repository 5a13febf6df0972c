"""A valid session as MongoDB keeps it. Pure."""

import msgspec

from streaming.events import valid
from streaming.ports import Document


def document(value: bytes) -> Document:
    """The message of `valid_customer_session` as plain values, with `_id` = `sessionId`.
    Raises msgspec.DecodeError on bytes that no gate wrote: to go on would be to lose a session silently."""
    session = valid.decode(value)
    fields: Document = msgspec.to_builtins(session)
    return {"_id": session.session_id, **fields}
