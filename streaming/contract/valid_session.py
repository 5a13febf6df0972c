"""A session the gate let through: the session itself and what the gate found out about it."""

from typing import Literal

import msgspec

from streaming.contract.session import Session

UserKind = Literal["new", "returning"]
"""New: no other session of the user came within the gate's horizon (horizon.py) before it."""


class ValidSession(Session, frozen=True, rename="camel", kw_only=True):
    """On `valid_customer_session` and, with `_id` = `sessionId`, in MongoDB."""

    user_kind: UserKind
    late: bool
    """Arrived on the live feed behind its watermark: kept and summarised, but in no window."""
    raw_partition: int
    raw_offset: int
    """Where the raw message stands in `user_session_info`: the session's place in the ledger."""
    arrived_at_ms: int
    """When the broker appended the raw message."""


encoder = msgspec.json.Encoder()
decoder = msgspec.json.Decoder(ValidSession)


def encode(session: ValidSession) -> bytes:
    """The canonical JSON bytes."""
    return encoder.encode(session)


def decode(value: bytes) -> ValidSession:
    """Raises msgspec.DecodeError on what no gate wrote."""
    try:
        return decoder.decode(value)
    except RecursionError:
        raise msgspec.DecodeError("nested too deep") from None


def try_decode(value: bytes | None) -> ValidSession | None:
    """The session in a message of the topic; None for what a foreigner wrote there. Who passes that over
    loses nothing silently: the store puts it aside, and `reconcile` names its place."""
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
    """`session` with the gate's findings attached."""
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
    """The bytes of `encode(admit(…))` for an encoded session: the findings are the last fields of
    ValidSession, so they are appended."""
    return b'%b,"userKind":"%b","late":%b,"rawPartition":%d,"rawOffset":%d,"arrivedAtMs":%d}' % (
        session[:-1],
        _KIND_BYTES[user_kind],
        b"true" if late else b"false",
        raw_partition,
        raw_offset,
        arrived_at_ms,
    )
