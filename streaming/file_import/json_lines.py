"""A line of JSON Lines as a message for the raw topic. Pure; what cannot be read goes as it is, so that
the gate refuses its original bytes."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streaming.contract.session import LIVE_FEED, UNKNOWN

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()


class Outgoing(NamedTuple):
    """Key and value of a raw record."""

    key: bytes | None
    value: bytes


def outgoing(line: bytes, feed: str, assigned: Mapping[str, str]) -> Outgoing:
    """`line` as a session of the import `feed`, with `assigned` in the place of what is absent or unknown.
    All other values keep their bytes."""
    try:
        line.decode()
        fields = _fields.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Outgoing(None, line)
    key = _text(fields.get("userId"))
    given = _text(fields.get("feed"))
    if given == LIVE_FEED or "feed" not in fields:
        # An old export must neither be late against live traffic nor move its watermark.
        fields["feed"] = msgspec.Raw(_encoder.encode(feed))
    for field, value in assigned.items():
        if field not in fields or (_text(fields[field]) or "").lower() == UNKNOWN:
            fields[field] = msgspec.Raw(_encoder.encode(value))
    return Outgoing(key.encode() if key else None, _encoder.encode(fields))


def _text(raw: msgspec.Raw | None) -> str | None:
    """The string in `raw`, None where there is no string."""
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return None
