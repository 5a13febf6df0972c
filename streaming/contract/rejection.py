"""The rejection of a raw message: a reason and a detail, which are sent with the original bytes. Pure.

Only of a message without consent (consent.py) no bytes are kept.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct


class Reason(StrEnum):
    """Every reason of a rejection; duplicates are counted separately. All except `NO_CONSENT`,
    `DUPLICATE`, `BEYOND_HORIZON`, `UNKNOWN_FEED` and `TOO_MANY_IMPORTS` depend only on the message and its
    arrival (parsing.py)."""

    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_FINITE = "not_finite"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    NEGATIVE = "negative"
    OUT_OF_RANGE = "out_of_range"
    UNPRINTABLE = "unprintable"
    """A string holds a character that changes what is shown around it (unprintable.py)."""
    UNEQUAL_LENGTHS = "unequal_lengths"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    FUTURE_TIME = "future_time"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_REFERRER = "unknown_referrer"
    UNKNOWN_FEED = "unknown_feed"
    """Neither the live feed nor a declared one (feeds.py)."""
    TOO_MANY_IMPORTS = "too_many_imports"
    BEYOND_HORIZON = "beyond_horizon"
    """So old that a repeat could not be recognised (horizon.py)."""
    DUPLICATE = "duplicate"
    NO_CONSENT = "no_consent"
    """Its user, or the setting of its source, has refused analytics (consent.py)."""


RefusedBy = Literal["session", "source"]


class Rejection(Struct, frozen=True):
    """Why a message was rejected. `detail` names the field and the rule, never a value, so it may be
    logged."""

    reason: Reason
    detail: str
    horizon_ms: int | None = None
    """The horizon that was applied, if the reason is `BEYOND_HORIZON`."""
    refused_by: RefusedBy | None = None
    """Who has refused, if the reason is `NO_CONSENT`: the setting may change later."""

    @property
    def keeps_nothing(self) -> bool:
        """True if nothing of the message may be kept, so that there is nothing to correct either."""
        return self.reason is Reason.NO_CONSENT
