"""A session that the gate accepted, with what the gate found out about it. Pure."""

from typing import Literal

import msgspec

from streaming.contract.session import Session

UserKind = Literal["new", "returning"]
"""New: no other session of the user arrived within the horizon (horizon.py) before it."""


class ValidSession(Session, frozen=True, rename="camel", kw_only=True):
    """A message of `valid_customer_session`, and with `_id` = `sessionId` a document in MongoDB."""

    user_kind: UserKind
    late: bool
    """True for a live session that ended longer than the allowed lateness before the watermark: stored and
    summarised, but in no window aggregate."""
    raw_partition: int
    raw_offset: int
    """The log position of the raw message in `user_session_info`."""
    arrived_at_ms: int
    """When the broker appended the raw message."""


encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(ValidSession)


def encode(session: ValidSession) -> bytes:
    """Returns the canonical JSON bytes."""
    return encoder.encode(session)


def decode(value: bytes) -> ValidSession:
    """Returns the session in `value`. Raises msgspec.DecodeError if no gate can have written it."""
    try:
        return decoder.decode(value)
    except RecursionError:
        raise msgspec.DecodeError("nested too deep") from None


def try_decode(value: bytes | None) -> ValidSession | None:
    """Returns the session in a message of the topic; None if another program wrote the message. A reader may
    skip such messages: the store keeps them as dead letters, and `reconcile` reports their position."""
    try:
        return decode(value or b"")
    except msgspec.DecodeError:
        return None


FACTS = ("user_kind", "late", "raw_partition", "raw_offset", "arrived_at_ms")
_SESSION_FIELDS = Session.__struct_fields__


def admit(
    session: Session,
    *,
    user_kind: UserKind,
    late: bool,
    raw_partition: int,
    raw_offset: int,
    arrived_at_ms: int,
) -> ValidSession:
    """Returns `session` with the gate's findings."""
    fields = {name: getattr(session, name) for name in _SESSION_FIELDS}
    return ValidSession(
        **fields,
        user_kind=user_kind,
        late=late,
        raw_partition=raw_partition,
        raw_offset=raw_offset,
        arrived_at_ms=arrived_at_ms,
    )


_KIND_BYTES: dict[UserKind, bytes] = {"new": b"new", "returning": b"returning"}


def encode_admitted(
    session: bytes,
    *,
    user_kind: UserKind,
    late: bool,
    raw_partition: int,
    raw_offset: int,
    arrived_at_ms: int,
) -> bytes:
    """Returns the bytes of `encode(admit(…))` for an encoded session. It appends the findings, which are the
    last fields of ValidSession."""
    return b'%b,"userKind":"%b","late":%b,"rawPartition":%d,"rawOffset":%d,"arrivedAtMs":%d}' % (
        session[:-1],
        _KIND_BYTES[user_kind],
        b"true" if late else b"false",
        raw_partition,
        raw_offset,
        arrived_at_ms,
    )
