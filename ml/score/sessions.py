"""Parses bytes into rows that a model reads, with the contract's parser; a rejection is a return value.
Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ml.features.session_row import session_row
from streaming.contract import parsing, valid_session
from streaming.contract.consent import Purpose, Sources, answer_in
from streaming.contract.erased_session import ErasedSession
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Consent, Session

GATE_FINDS = ("userKind",)
"""Features that a raw session lacks, because the gate adds them (from whether it saw the user before)."""


_ERASED = Rejection(Reason.MISSING_FIELD, "the session of somebody who was erased has nothing to score")
_NO_ONES = Pseudonyms("models read no pseudonym")


class Readable(Struct, frozen=True):
    """A session as a row of the extract."""

    session: str
    row: Mapping[str, Any]
    not_known: tuple[str, ...]
    consent: Consent | None
    user_pseudonym: str | None = None
    """None for a session that no gate has seen."""


class Refused(Struct, frozen=True):
    """A session that must not be scored, because its user has refused `purpose`."""

    session: str
    purpose: Purpose


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
        return Readable(
            session.session_id, session_row(_as_if_stored(session, now_ms)), GATE_FINDS, session.consent
        )
    if isinstance(valid, ErasedSession):
        return _ERASED
    name = session.session_id if isinstance(session, Session) else valid.session_pseudonym
    # Of an earlier gate's message the ids are known, and its user's pseudonym is not.
    user = None if isinstance(session, Session) else valid.user_pseudonym
    return Readable(name, session_row(msgspec.to_builtins(valid)), (), valid.consent, user)


def unless_refused(
    found: Readable, others: Iterable[Mapping[str, Any]], sources: Sources
) -> Readable | Refused:
    """Returns `found`, unless its user has refused analytics in it, or personalisation in it or in one of the
    `others`, of which it needs `feed` and `consent`."""
    own: Mapping[str, Any] = {"feed": found.row["feed"], "consent": msgspec.to_builtins(found.consent)}

    def agrees(session: Mapping[str, Any], purpose: Purpose) -> bool:
        return sources.agree(purpose, session["feed"], answer_in(session, purpose))

    if not agrees(own, "analytics"):
        return Refused(found.session, "analytics")
    if not all(agrees(one, "personalisation") for one in (own, *others)):
        return Refused(found.session, "personalisation")
    return found


def _as_if_stored(session: Session, now_ms: int) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(session)
    not_read = dict.fromkeys(("sessionPseudonym", "userPseudonym"), "")
    return fields | not_read | dict.fromkeys(GATE_FINDS) | {"arrivedAtMs": now_ms}
