"""A rejected message as a line of a file, to be corrected there, and back. Pure.

    {"position": "0:17", "reason": "…", "detail": "…", "arrivedAtMs": 1, "key": "u1", "value": "…"}

`value` is the text of the message, or a JSON object in its place; bytes that are no UTF-8 stand in
`valueBase64` instead, as those of a key in `keyBase64`. Only `position` and the value are read back.
"""

import base64
from typing import Any

import msgspec

from streaming.contract.log_position import LogPosition, parse_log_position
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.replay.history import Rejected


class BadLine(ValueError):
    """A line that cannot be sent; the text says why, without its contents."""


class Line(msgspec.Struct, frozen=True):
    """A message to be sent in place of the one rejected at `position`."""

    position: LogPosition
    key: bytes | None
    value: bytes


def write(rejected: Rejected) -> bytes:
    """`rejected` as one line, its line feed included."""
    fields: dict[str, Any] = {
        "position": str(rejected.place),
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
    """The message in a line. Raises BadLine."""
    try:
        fields = msgspec.json.decode(text, type=dict[str, Any])
        return of(
            parse_log_position(str(fields["position"])), _content(fields, "key"), _content(fields, "value")
        )
    except msgspec.MsgspecError:
        raise BadLine("is no JSON object") from None
    except KeyError as error:
        raise BadLine(f"has no {error.args[0]}") from None
    except ValueError as error:
        raise BadLine(f"has a position or a value that cannot be read ({error})") from None


def of(position: LogPosition, key: bytes | None, value: bytes | None) -> Line:
    """`value` for the position it corrects; a session goes under its user's key, whatever the key was."""
    value = value or b""
    judged = parse(value, _ANY_TIME_MS)
    return Line(position, judged.user_id.encode() if isinstance(judged, Session) else key, value)


_ANY_TIME_MS = 1 << 60
"""No session comes from the future of that."""


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
