"""Finds out, field by field, why bytes are no session. Pure. Slow, but it only runs for rejected messages."""

import json
import math
import re
from typing import Any, NoReturn

import msgspec

from streaming.contract import unprintable
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import FIRST_VERSION, NEWER_FIELDS, SCHEMA_VERSION, Session

UNKNOWN_VERSION = Rejection(Reason.UNKNOWN_SCHEMA_VERSION, f"known are {FIRST_VERSION} and {SCHEMA_VERSION}")
_FIELDS = msgspec.structs.fields(Session)
_FIRST_FIELDS = tuple(field for field in _FIELDS if field.name not in NEWER_FIELDS)
_BAD_ENUM = "Invalid enum value"


class _NotFinite(ValueError):
    pass


def _refuse_constant(_: str) -> NoReturn:
    raise _NotFinite


def diagnose(raw: bytes, decoding_error: Exception) -> Rejection:
    """Returns why `raw` could not be decoded."""
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
    if type(version) is int and version not in (SCHEMA_VERSION, FIRST_VERSION):
        return UNKNOWN_VERSION
    fields = _FIRST_FIELDS if version == FIRST_VERSION else _FIELDS
    for field in fields:
        name = field.encode_name
        if name in value:
            try:
                msgspec.convert(value[name], field.type)
            except msgspec.ValidationError as error:
                return _broken_rule(name, str(error))
            except UnicodeEncodeError:
                # A surrogate where msgspec compares with names that it knows: an action, a field of a review.
                return holds_unprintable(name)
        elif field.required:
            return Rejection(Reason.MISSING_FIELD, name)
    if isinstance(decoding_error, msgspec.ValidationError):
        # A name occurs twice: json only sees the last value, which is valid, msgspec also the other one.
        return _broken_rule("$", str(decoding_error))
    # json accepts some texts that RFC 8259 and msgspec do not, such as lone surrogates.
    known = {field.encode_name: value[field.encode_name] for field in fields if field.encode_name in value}
    if place := unprintable.place_in(msgspec.convert(known, Session)):
        return holds_unprintable(place)
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


def holds_unprintable(place: str) -> Rejection:
    """Returns the rejection for an unprintable character at `place` (unprintable.py)."""
    return Rejection(Reason.UNPRINTABLE, f"{place}: holds {unprintable.NAMED}")


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
