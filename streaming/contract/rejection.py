"""Why a raw message was refused. A refusal is a value that travels with the original bytes."""

from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Every reason a raw message can be refused for; `DUPLICATE` is counted apart from the others. All but
    `DUPLICATE` and `BEYOND_HORIZON` follow from the message and its arrival alone (parsing.py)."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_FINITE = "not_finite"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NEGATIVE = "negative"
    OUT_OF_RANGE = "out_of_range"
    UNEQUAL_LENGTHS = "unequal_lengths"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    FUTURE_TIME = "future_time"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_REFERRER = "unknown_referrer"
    BEYOND_HORIZON = "beyond_horizon"
    """Too old to be told from a repetition (horizon.py)."""
    DUPLICATE = "duplicate"


class Rejection(Struct, frozen=True):
    """A refused message. `detail` names the field and the rule, never a value: it may be logged."""

    reason: Reason
    detail: str
    horizon_ms: int | None = None
    """By which it was judged, if it is beyond the horizon."""
