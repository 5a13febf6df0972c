"""A session that the gate accepted, with what the gate found out about it. Pure.

Its message has the ids and the name of its user in one object, `identity`, and otherwise pseudonyms alone
(pseudonym.py). Only the store reads that object; for all others it is not there. Messages of a gate that knew
no pseudonyms have the ids among the other fields: they are read too, and get the same pseudonyms. In the
place of a session whose user was erased stands what is left of it (erased_session.py): no reader can take it
for a session.
"""

from typing import Literal

import msgspec
from msgspec import Struct

from streaming.contract import erased_session
from streaming.contract.addresses import masked
from streaming.contract.erased_session import ErasedSession
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Content, Id, Name, Session, Word

UserKind = Literal["new", "returning"]
"""New: no other session of the user arrived within the horizon (horizon.py) before it."""


class Identity(Struct, frozen=True, rename="camel", kw_only=True, gc=False):
    """Who a session is of, and which of that user's: the fields that Session has beside its content."""

    session_id: Id
    user_id: Id
    name: Name
    email: Name
    zip_code: Word


class ValidSession(Content, frozen=True, rename="camel", kw_only=True, gc=False):
    """A message of `valid_customer_session`, as all stages but the store read it."""

    user_pseudonym: str
    session_pseudonym: str
    pseudonym_key: str
    """The id of the key that the pseudonyms were made with."""
    user_kind: UserKind
    late: bool
    """True for a live session that ended longer than the allowed lateness before the watermark: stored and
    summarised, but in no window aggregate."""
    raw_partition: int
    raw_offset: int
    """The log position of the raw message in `user_session_info`."""
    arrived_at_ms: int
    """When the broker appended the raw message."""


class StoredSession(ValidSession, frozen=True, rename="camel", kw_only=True, gc=False):
    """The whole message, and with `_id` = `sessionPseudonym` a document in MongoDB."""

    identity: Identity


class _Earlier(Session, frozen=True, rename="camel", kw_only=True, gc=False):
    """A message of a gate that knew no pseudonyms."""

    user_kind: UserKind
    late: bool
    raw_partition: int
    raw_offset: int
    arrived_at_ms: int


encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(ValidSession)
_stored_decoder = msgspec.json.Decoder(StoredSession)
_earlier_decoder = msgspec.json.Decoder(_Earlier)
_CONTENT = Content.__struct_fields__
_IDENTITY = Identity.__struct_fields__
_PSEUDONYMOUS = b'"pseudonymKey":"'


def encode(session: ValidSession) -> bytes:
    """Returns the canonical JSON bytes."""
    return encoder.encode(session)


def decode(value: bytes, pseudonyms: Pseudonyms) -> ValidSession | ErasedSession:
    """Returns the session in `value` without its identity, or what is left of it; `pseudonyms` makes those
    that an earlier gate did not. Raises msgspec.DecodeError if no gate can have written `value`."""
    try:
        return _decoder.decode(value)
    except RecursionError:
        raise msgspec.DecodeError("nested too deep") from None
    except msgspec.ValidationError as error:
        return erased_session.try_decode(value) or _of_earlier(value, pseudonyms, error)


def decode_stored(value: bytes, pseudonyms: Pseudonyms) -> StoredSession | ErasedSession:
    """Returns the session in `value` with its identity, or what is left of it: for the store, and for what is
    checked against it. Raises as `decode`."""
    try:
        return _stored_decoder.decode(value)
    except RecursionError:
        raise msgspec.DecodeError("nested too deep") from None
    except msgspec.ValidationError as error:
        return erased_session.try_decode(value) or _of_earlier(value, pseudonyms, error)


def try_decode(value: bytes | None, pseudonyms: Pseudonyms) -> ValidSession | ErasedSession | None:
    """Returns the session in a message of the topic, or what is left of it; None if another program wrote the
    message. A reader may skip such messages: the store keeps them as dead letters, and `reconcile` reports
    their position."""
    try:
        return decode(value or b"", pseudonyms)
    except msgspec.DecodeError:
        return None


def try_decode_stored(value: bytes | None, pseudonyms: Pseudonyms) -> StoredSession | ErasedSession | None:
    """Returns the same with the session's identity; None also if the message has none, which the store then
    keeps as a dead letter."""
    try:
        return decode_stored(value or b"", pseudonyms)
    except msgspec.DecodeError:
        return None


def is_pseudonymous(value: bytes) -> bool:
    """False for a message of a gate that knew no pseudonyms. Within a string the quotes would be escaped."""
    return _PSEUDONYMOUS in value


def _of_earlier(value: bytes, pseudonyms: Pseudonyms, error: msgspec.ValidationError) -> StoredSession:
    """Returns the session in a message of an earlier gate. Raises `error` if it is none."""
    try:
        found = _earlier_decoder.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise error from None
    return admit(
        masked(found),
        pseudonyms,
        user_kind=found.user_kind,
        late=found.late,
        raw_partition=found.raw_partition,
        raw_offset=found.raw_offset,
        arrived_at_ms=found.arrived_at_ms,
    )


def identity(session: Session) -> Identity:
    """Returns who `session` is of."""
    return Identity(
        session_id=session.session_id,
        user_id=session.user_id,
        name=session.name,
        email=session.email,
        zip_code=session.zip_code,
    )


def admit(
    session: Session,
    pseudonyms: Pseudonyms,
    *,
    user_kind: UserKind,
    late: bool,
    raw_partition: int,
    raw_offset: int,
    arrived_at_ms: int,
) -> StoredSession:
    """Returns `session` with the gate's findings."""
    content = {name: getattr(session, name) for name in _CONTENT}
    of_user, of_session = pseudonyms.both(session.user_id, session.session_id)
    return StoredSession(
        **content,
        user_pseudonym=of_user,
        session_pseudonym=of_session,
        pseudonym_key=pseudonyms.key_id,
        user_kind=user_kind,
        late=late,
        raw_partition=raw_partition,
        raw_offset=raw_offset,
        arrived_at_ms=arrived_at_ms,
        identity=identity(session),
    )


def sent(session: StoredSession) -> Session:
    """Returns `session` as its sender sent it, without the gate's findings."""
    content = {name: getattr(session, name) for name in _CONTENT}
    return Session(**content, **{name: getattr(session.identity, name) for name in _IDENTITY})


_BEGINS_IDENTITY = b',"sessionId":'


def encode_admitted(
    session: bytes,
    *,
    user_pseudonym: str,
    session_pseudonym: str,
    pseudonym_key: str,
    user_kind: UserKind,
    late: bool,
    raw_partition: int,
    raw_offset: int,
    arrived_at_ms: int,
) -> bytes:
    """Returns the bytes of `encode(admit(…))` for an encoded session. Its identity is cut off where the first
    of its fields begins, which are its last ones: within a string the quotes would be escaped."""
    content, begin, of_identity = session.rpartition(_BEGINS_IDENTITY)
    facts = (
        f',"userPseudonym":"{user_pseudonym}","sessionPseudonym":"{session_pseudonym}"'
        f',"pseudonymKey":"{pseudonym_key}","userKind":"{user_kind}","late":{"true" if late else "false"}'
        f',"rawPartition":{raw_partition},"rawOffset":{raw_offset},"arrivedAtMs":{arrived_at_ms},"identity":{{'
    )
    return b"".join((content, facts.encode(), begin[1:], of_identity, b"}"))
