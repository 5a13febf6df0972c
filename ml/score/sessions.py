"""Parses bytes into rows that a model reads, with the contract's parser; a rejection is a return value.
Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ml.features.session_row import session_row
from streaming.contract import parsing, valid_session
from streaming.contract.erased_session import ErasedSession
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session

GATE_FINDS = ("userKind",)
"""Features that a raw session lacks, because the gate adds them (from whether it saw the user before)."""


_ERASED = Rejection(Reason.MISSING_FIELD, "the session of somebody who was erased has nothing to score")
_NO_ONES = Pseudonyms("models read no pseudonym")


class Readable(Struct, frozen=True):
    """A session as a row of the extract."""

    session: str
    row: Mapping[str, Any]
    not_known: tuple[str, ...]


def texts(content: bytes) -> list[bytes]:
    """Returns the sessions in a file: the whole content if it is one JSON text, else the lines that are not
    empty."""
    try:
        msgspec.json.decode(content, type=msgspec.Raw)
    except msgspec.DecodeError:
        return [line for line in content.splitlines() if line.strip()]
    return [content]


def read(text: bytes, now_ms: int) -> Readable | Rejection:
    """Parses a raw session, or a valid one as the gate writes it and MongoDB stores it."""
    session = parsing.parse(text, now_ms)
    try:
        valid = valid_session.decode(text, _NO_ONES)
    except msgspec.DecodeError:
        if isinstance(session, Rejection):
            return session
        return Readable(session.session_id, session_row(_as_if_stored(session, now_ms)), GATE_FINDS)
    if isinstance(valid, ErasedSession):
        return _ERASED
    name = session.session_id if isinstance(session, Session) else valid.session_pseudonym
    return Readable(name, session_row(msgspec.to_builtins(valid)), ())


def _as_if_stored(session: Session, now_ms: int) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(session)
    not_read = dict.fromkeys(("sessionPseudonym", "userPseudonym"), "")
    return fields | not_read | dict.fromkeys(GATE_FINDS) | {"arrivedAtMs": now_ms}
