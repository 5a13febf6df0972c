"""A valid session as MongoDB keeps it, with its identity. Pure."""

import msgspec

from streaming.contract import valid_session
from streaming.contract.pseudonym import Pseudonyms
from streaming.stores import Document


def document(value: bytes, pseudonyms: Pseudonyms) -> Document:
    """Returns a message of `valid_customer_session` as plain values, with `_id` = `sessionPseudonym`. Raises
    msgspec.DecodeError on bytes that no gate wrote: they become a dead letter."""
    session = valid_session.decode_stored(value, pseudonyms)
    fields: Document = msgspec.to_builtins(session)
    return {"_id": session.session_pseudonym, **fields}
