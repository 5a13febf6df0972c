"""Writes a rejected message as a line of a file, where it can be corrected, and reads it back. Pure.

    {"position": "0:17", "reason": "…", "detail": "…", "arrivedAtMs": 1, "key": "u1", "value": "…"}

`value` is the text of the message, or a JSON object instead. Bytes that are not UTF-8 are in `valueBase64`
instead, those of a key in `keyBase64`. Only `position`, key and value are read back.
"""

import base64
from typing import Any

import msgspec

from streaming.contract.log_position import LogPosition, parse_log_position
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.replay.history import Rejected


class BadLine(ValueError):
    """A line that cannot be sent; the text contains the reason, but not the line."""


class Line(msgspec.Struct, frozen=True):
    """A message to be sent as a correction of the one rejected at `position`."""

    position: LogPosition
    key: bytes | None
    value: bytes


def write(rejected: Rejected) -> bytes:
    """Returns `rejected` as one line with its line feed."""
    fields: dict[str, Any] = {
        "position": str(rejected.position),
        "reason": rejected.reason,
        "detail": rejected.detail,
        "arrivedAtMs": rejected.arrived_at_ms,
    }
    for name, content in (("key", rejected.key), ("value", rejected.value)):
        try:
            fields[name] = None if content is None else content.decode()
        except UnicodeDecodeError:
            fields[f"{name}Base64"] = base64.b64encode(content or b"").decode()
    return msgspec.json.encode(fields) + b"\n"


def read(text: bytes) -> Line:
    """Returns the message in a line. Raises BadLine."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        return of(
            parse_log_position(str(fields["position"])), _content(fields, "key"), _content(fields, "value")
        )
    except msgspec.MsgspecError:
        raise BadLine("is not a JSON object") from None
    except KeyError as error:
        raise BadLine(f"has no {error.args[0]}") from None
    except ValueError as error:
        raise BadLine(f"has a position or a value that cannot be read ({error})") from None


def of(position: LogPosition, key: bytes | None, value: bytes | None) -> Line:
    """Returns the line for `value`. If it is a session, its user id becomes the key, whatever `key` is."""
    value = value or b""
    parsed = parse(value, _ANY_TIME_MS)
    return Line(position, parsed.user_id.encode() if isinstance(parsed, Session) else key, value)


_ANY_TIME_MS = 1 << 60
"""An arrival so late that no session's event time lies after it."""


def _content(fields: dict[str, Any], name: str) -> bytes | None:
    if (encoded := fields.get(f"{name}Base64")) is not None:
        return base64.b64decode(str(encoded), validate=True)
    match fields[name] if name == "value" else fields.get(name):
        case None:
            return None
        case str(text):
            return text.encode()
        case dict(value):
            return msgspec.json.encode(value)
    raise ValueError(f"{name} is neither text nor an object")
