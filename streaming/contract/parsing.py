"""Parses raw bytes into a session or a rejection. Total: never raises, whatever the bytes are. Pure."""

import re

import msgspec

from streaming.contract import unprintable
from streaming.contract.diagnosis import diagnose, holds_unprintable
from streaming.contract.folding import folded
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import (
    EARLIEST_TIME_MS,
    MAX_MESSAGE_BYTES,
    PARALLEL_FIELDS,
    SCHEMA_VERSION,
    UNKNOWN,
    Session,
)

FUTURE_TOLERANCE_MS = 5 * 60 * 1000

_decoder = msgspec.json.Decoder(Session)
_MAX_DEPTH = 64


def parse(raw: bytes | None, arrived_at_ms: int) -> Session | Rejection:
    """Returns the session in `raw`, with the spelling of device type and referrer (folding.py), or the reason
    of its rejection. `arrived_at_ms` is the broker's append time."""
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
        return diagnose(raw, error)
    return _broken_contract(session, raw, arrived_at_ms) or folded(session)


def _broken_contract(session: Session, raw: bytes, arrived_at_ms: int) -> Rejection | None:
    """Returns the rejection for the first rule beyond the types that `session` breaks; None if it breaks
    none."""
    if session.schema_version != SCHEMA_VERSION:
        return Rejection(Reason.UNKNOWN_SCHEMA_VERSION, f"this is version {SCHEMA_VERSION}")
    if unprintable.may_be_in(raw) and (place := unprintable.place_in(session)):
        return holds_unprintable(place)
    n = len(session.product_ids)
    if not (
        n == len(session.product_names) == len(session.product_prices)
        == len(session.product_categories) == len(session.actions)
    ):  # fmt: skip
        return Rejection(Reason.UNEQUAL_LENGTHS, ", ".join(PARALLEL_FIELDS))
    if session.event_time_ms < EARLIEST_TIME_MS:
        return Rejection(Reason.OUT_OF_RANGE, "eventTimeMs before the year 2000: it must be in milliseconds")
    if session.event_time_ms > arrived_at_ms + FUTURE_TOLERANCE_MS:
        return Rejection(Reason.FUTURE_TIME, f"eventTimeMs more than {FUTURE_TOLERANCE_MS} ms after arrival")
    if session.device_type.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_DEVICE, "deviceType")
    if session.referrer.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_REFERRER, "referrer")
    return None


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
