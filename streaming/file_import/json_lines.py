"""Turns a line of JSON Lines into a message for the raw topic. Pure. A line that cannot be read is sent
unchanged, so that the gate rejects its original bytes."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from streaming.contract.feeds import NO_KEYS, ImportKeys, is_named_like_an_import
from streaming.contract.session import LIVE_FEED, UNKNOWN

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder()


class Outgoing(NamedTuple):
    """Key and value of a raw record."""

    key: bytes | None
    value: bytes


def outgoing(line: bytes, feed: str, assigned: Mapping[str, str], imports: ImportKeys = NO_KEYS) -> Outgoing:
    """Returns `line` as a session of the import `feed`. Fields that are absent or unknown get their value
    from `assigned`; all other values keep their bytes."""
    try:
        line.decode()
        fields = _fields.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Outgoing(None, line)
    key = _text(fields.get("userId"))
    given = _text(fields.get("feed"))
    foreign = given is not None and is_named_like_an_import(given) and not imports.made(given)
    if given == LIVE_FEED or "feed" not in fields or foreign:
        # An old export must not be late compared with live traffic, nor move the watermark. The gate would
        # reject the import of another log, or of an earlier release.
        fields["feed"] = msgspec.Raw(_encoder.encode(feed))
    for field, value in assigned.items():
        if field not in fields or (_text(fields[field]) or "").lower() == UNKNOWN:
            fields[field] = msgspec.Raw(_encoder.encode(value))
    return Outgoing(key.encode() if key else None, _encoder.encode(fields))


def _text(raw: msgspec.Raw | None) -> str | None:
    """Returns the string in `raw`; None if it is not a string."""
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return None
