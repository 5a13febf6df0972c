"""Parses raw bytes into a session or a rejection. Total: never raises, whatever the bytes are. Pure."""

import re

import msgspec

from streaming.contract import addresses, first_version, unprintable
from streaming.contract.diagnosis import UNKNOWN_VERSION, diagnose, holds_unprintable
from streaming.contract.folding import folded
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import (
    EARLIEST_TIME_MS,
    FIRST_VERSION,
    MAX_MESSAGE_BYTES,
    PARALLEL_FIELDS,
    SCHEMA_VERSION,
    TIME_TOLERANCE_MS,
    UNKNOWN,
    Session,
)

FUTURE_TOLERANCE_MS = 5 * 60 * 1000

_decoder = msgspec.json.Decoder(Session)
_MAX_DEPTH = 64
_DEEP = Rejection(Reason.TOO_DEEP, f"nested deeper than {_MAX_DEPTH}")


def parse(raw: bytes | None, arrived_at_ms: int) -> Session | Rejection:
    """Returns the session in `raw`, or the reason of its rejection; with the spelling of device type and
    referrer (folding.py), and without addresses where none belong (addresses.py). `arrived_at_ms` is the
    broker's append time."""
    raw = raw or b""
    if len(raw) > MAX_MESSAGE_BYTES:
        return Rejection(Reason.TOO_LARGE, f"{len(raw)} bytes, allowed {MAX_MESSAGE_BYTES}")
    try:
        if not raw.isascii():
            raw.decode()
        session = _decoded(raw)
    except RecursionError:  # at a depth that depends on the caller's stack, but is much greater
        return _DEEP
    except UnicodeDecodeError as error:
        return diagnose(raw, error)
    except msgspec.MsgspecError as error:
        return _DEEP if _too_deep(raw, 0) else diagnose(raw, error)
    # Each page and review has a bracket of its own. Of the others there are at least as many as anything is
    # deep.
    if _too_deep(raw, len(session.pages or ()) + len(session.reviews)):
        return _DEEP
    if session.schema_version == FIRST_VERSION:
        session = first_version.without_newer(session)
    if broken := _broken_contract(session, raw, arrived_at_ms):
        return broken
    session = folded(session)
    return addresses.masked(session) if addresses.may_be_in(raw, session) else session


def _decoded(raw: bytes) -> Session:
    """Returns the session in `raw`, of either version. Raises msgspec.MsgspecError."""
    try:
        return _decoder.decode(raw)
    except msgspec.ValidationError:
        if (older := first_version.read(raw)) is None:
            raise
        return older


def _broken_contract(session: Session, raw: bytes, arrived_at_ms: int) -> Rejection | None:
    """Returns the rejection for the first rule beyond the types that `session` breaks; None if it breaks
    none."""
    if session.schema_version not in (SCHEMA_VERSION, FIRST_VERSION):
        return UNKNOWN_VERSION
    if unprintable.may_be_in(raw) and (place := unprintable.place_in(session)):
        return holds_unprintable(place)
    n = len(session.product_ids)
    if not (
        n == len(session.product_names) == len(session.product_prices)
        == len(session.product_categories) == len(session.actions)
    ):  # fmt: skip
        return Rejection(Reason.UNEQUAL_LENGTHS, ", ".join(PARALLEL_FIELDS))
    code = session.currency
    if code is not None and not (len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        return Rejection(Reason.WRONG_TYPE, "currency: not three capital letters, as codes of ISO 4217")
    times = session.interaction_times_ms
    if times is not None and len(times) != n:
        return Rejection(Reason.UNEQUAL_LENGTHS, "interactionTimesMs and actions")
    if session.event_time_ms < EARLIEST_TIME_MS:
        return Rejection(Reason.OUT_OF_RANGE, "eventTimeMs before the year 2000: it must be in milliseconds")
    if session.event_time_ms > arrived_at_ms + FUTURE_TOLERANCE_MS:
        return Rejection(Reason.FUTURE_TIME, f"eventTimeMs more than {FUTURE_TOLERANCE_MS} ms after arrival")
    if times or session.pages:
        end_ms = session.event_time_ms
        began_ms = end_ms - int(session.session_duration * 1000) - TIME_TOLERANCE_MS
        if began_ms < EARLIEST_TIME_MS:
            began_ms = EARLIEST_TIME_MS
        if times and (min(times) < began_ms or max(times) > end_ms):
            return Rejection(Reason.OUT_OF_RANGE, "interactionTimesMs: one is not within the session")
        for page in session.pages or ():
            if page.time_ms < began_ms or page.time_ms > end_ms:
                return Rejection(Reason.OUT_OF_RANGE, "pages: a timeMs is not within the session")
    if session.device_type.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_DEVICE, "deviceType")
    if session.referrer.lower() == UNKNOWN:
        return Rejection(Reason.UNKNOWN_REFERRER, "referrer")
    return None


def _too_deep(raw: bytes, harmless: int) -> bool:
    """True if brackets outside strings are nested deeper than any valid message. `harmless`: so many that are
    not looked at, because they are known to be of no depth."""
    if raw.count(b"[") + raw.count(b"{") - harmless <= _MAX_DEPTH:
        return False
    depth = 0
    # Possessive, and with an optional closing quote: linear for any text, also with an unclosed string.
    for token in re.finditer(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', raw.decode(), re.DOTALL):
        match token.group():
            case "[" | "{":
                depth += 1
                if depth > _MAX_DEPTH:
                    return True
            case "]" | "}":
                depth -= 1
    return False
