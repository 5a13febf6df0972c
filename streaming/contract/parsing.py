"""Parses raw bytes into a session or a rejection. Total: never raises, whatever the bytes are. Pure."""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import MAX_MESSAGE_BYTES, PARALLEL_FIELDS, SCHEMA_VERSION, UNKNOWN, Session

FUTURE_TOLERANCE_MS = 5 * 60 * 1000

_decoder = msgspec.json.Decoder(Session)
_FIELDS = msgspec.structs.fields(Session)
_MAX_DEPTH = 64
_BAD_ENUM = "Invalid enum value"


def parse(raw: bytes | None, arrived_at_ms: int) -> Session | Rejection:
    """Returns the session in `raw`, or the reason of its rejection. `arrived_at_ms` is the broker's append
    time."""
    raw = raw or b""
    if len(raw) > MAX_MESSAGE_BYTES:
        return Rejection(Reason.TOO_LARGE, f"{len(raw)} bytes, allowed {MAX_MESSAGE_BYTES}")
    try:
        if not raw.isascii():
            raw.decode()
        # Checked here, because the decoder's recursion limit depends on the caller's stack depth.
        if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH and _too_deep(raw.decode()):
            return Rejection(Reason.TOO_DEEP, f"nested deeper than {_MAX_DEPTH}")
        session = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return _diagnose(raw, error)
    return _broken_contract(session, arrived_at_ms) or session


def _broken_contract(session: Session, arrived_at_ms: int) -> Rejection | None:
    """Returns the rejection for the first rule beyond the types that `session` breaks; None if it breaks
    none."""
    if session.schema_version != SCHEMA_VERSION:
        return Rejection(Reason.UNKNOWN_SCHEMA_VERSION, f"this is version {SCHEMA_VERSION}")
    n = len(session.product_ids)
    if not (
        n == len(session.product_names) == len(session.product_prices)
        == len(session.product_categories) == len(session.actions)
    ):  # fmt: skip
        return Rejection(Reason.UNEQUAL_LENGTHS, ", ".join(PARALLEL_FIELDS))
    if session.event_time_ms > arrived_at_ms + FUTURE_TOLERANCE_MS:
        return Rejection(Reason.FUTURE_TIME, f"eventTimeMs more than {FUTURE_TOLERANCE_MS} ms after arrival")
    if session.device_type.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_DEVICE, "deviceType")
    if session.referrer.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_REFERRER, "referrer")
    return None


class _NotFinite(ValueError):
    pass


def _refuse_constant(_: str) -> NoReturn:
    raise _NotFinite


def _diagnose(raw: bytes, decoding_error: Exception) -> Rejection:
    """Returns why `raw` could not be decoded. It is slow, but only runs for rejected messages."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        return Rejection(Reason.NOT_UTF8, f"at byte {error.start}")
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except _NotFinite:
        return Rejection(Reason.NOT_FINITE, "NaN or Infinity")
    except ValueError:
        return Rejection(Reason.NOT_JSON, "not a JSON text")
    if not isinstance(value, dict):
        return Rejection(Reason.WRONG_TYPE, "$: expected an object")
    if _has_infinite(value):
        return Rejection(Reason.NOT_FINITE, "a number beyond float64")
    version = value.get("schemaVersion")
    if type(version) is int and version != SCHEMA_VERSION:
        return Rejection(Reason.UNKNOWN_SCHEMA_VERSION, f"this is version {SCHEMA_VERSION}")
    for field in _FIELDS:
        name = field.encode_name
        if name in value:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                return _broken_rule(name, str(error))
        elif field.required:
            return Rejection(Reason.MISSING_FIELD, name)
    if isinstance(decoding_error, msgspec.ValidationError):
        # A name occurs twice: json only sees the last value, which is valid, msgspec also the other one.
        return _broken_rule("$", str(decoding_error))
    # json accepts some texts that RFC 8259 and msgspec do not, such as lone surrogates.
    return Rejection(Reason.NOT_JSON, "not a JSON text")


def _broken_rule(name: str, message: str) -> Rejection:
    """Returns the rejection for a msgspec error. Its text names the expected type or bound and the path. Only
    the text of an enum error quotes the value, so that text is replaced first."""
    if message.startswith(_BAD_ENUM):
        path = re.search(r" - at `[^`]*`\Z", message)
        return Rejection(Reason.WRONG_TYPE, f"{name}: {_BAD_ENUM}{path.group() if path else ''}")
    detail = f"{name}: {message}"
    if "missing required field" in message:
        return Rejection(Reason.MISSING_FIELD, detail)
    if re.search(r">= 0(\.0)?\b", message):
        return Rejection(Reason.NEGATIVE, detail)
    if re.search(r"[<>]=|length|out of range", message):
        return Rejection(Reason.OUT_OF_RANGE, detail)
    return Rejection(Reason.WRONG_TYPE, detail)


def _too_deep(text: str) -> bool:
    """True if brackets outside strings are nested deeper than any valid message."""
    depth = 0
    # Possessive, and with an optional closing quote: linear for any text, also with an unclosed string.
    for token in re.finditer(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', text, re.DOTALL):
        match token.group():
            case "[" | "{":
                depth += 1
                if depth > _MAX_DEPTH:
                    return True
            case "]" | "}":
                depth -= 1
    return False


def _has_infinite(value: Any) -> bool:
    """True if a number in `value` overflowed to infinity, as 1e999 does."""
    match value:
        case float():
            return math.isinf(value)
        case list():
            return any(map(_has_infinite, value))
        case dict():
            return any(map(_has_infinite, value.values()))
        case _:
            return False
