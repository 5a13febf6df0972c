"""Messages of version 1, in which the fields that version 2 has brought are unknown ones. Pure.

A shop may have sent fields of these names for years, with another meaning and of any type. So they are
ignored, as all unknown fields are, and a message that was accepted before stays so.
"""

import msgspec

from streaming.contract.session import FIRST_VERSION, NEWER_FIELDS, Session

_FIELDS = tuple(field for field in msgspec.structs.fields(Session) if field.name not in NEWER_FIELDS)
_Message = msgspec.defstruct(
    "FirstVersion",
    [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in _FIELDS
    ],
    rename="camel",
    kw_only=True,
)
_decoder = msgspec.json.Decoder(_Message)
_WITHOUT = dict.fromkeys(NEWER_FIELDS)


def read(raw: bytes) -> Session | None:
    """Returns the session in `raw`, which is no message of the present version; None if it is of another than
    the first. Raises msgspec.MsgspecError if it is of no version."""
    found = _decoder.decode(raw)
    fields = {field.name: getattr(found, field.name) for field in _FIELDS}
    return Session(**fields) if fields["schema_version"] == FIRST_VERSION else None


def without_newer(session: Session) -> Session:
    """Returns `session`, which is of version 1, without fields that it only seems to have."""
    # One by one, because this is said of every message of version 1.
    if (
        session.interaction_times_ms is None
        and session.pages is None
        and session.currency is None
        and session.channel is None
        and session.campaign is None
        and session.consent is None
    ):
        return session
    return msgspec.structs.replace(session, **_WITHOUT)


def written(session: Session) -> bytes:
    """Returns `session` as a message of version 1, without what version 2 has brought."""
    fields = {field.name: getattr(session, field.name) for field in _FIELDS}
    return msgspec.json.encode(_Message(**fields | {"schema_version": FIRST_VERSION}))
