"""Ways to break the contract, at least one for each reason of rejection."""

from collections.abc import Callable
from typing import Any

import msgspec

from streaming.contract.time_units import DAY_MS

Fields = dict[str, Any]
_TEN_YEARS_MS = 10 * 365 * DAY_MS


def _truncated(value: bytes) -> bytes:
    return value[: len(value) // 2]


def _not_utf8(value: bytes) -> bytes:
    return value.replace(b'"name":"', b'"name":"\xff\xfe', 1)


def _nesting_bomb(value: bytes) -> bytes:
    return b'{"extra":' + b"[" * 200 + b"]" * 200 + b"," + value[1:]


def _field(name: str, change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Returns a function that changes one field of a message."""

    def broken(value: bytes) -> bytes:
        fields: Fields = msgspec.json.decode(value)
        return msgspec.json.encode(fields | {name: change(fields[name])})

    return broken


def _without(name: str) -> Callable[[bytes], bytes]:
    def broken(value: bytes) -> bytes:
        fields: Fields = msgspec.json.decode(value)
        del fields[name]
        return msgspec.json.encode(fields)

    return broken


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "truncated": _truncated,
    "not_utf8": _not_utf8,
    "nesting_bomb": _nesting_bomb,
    "missing_field": _without("deviceType"),
    "wrong_type": _field("clicks", str),
    "not_finite": _field("amountSpent", lambda _: msgspec.Raw(b"NaN")),
    "infinite": _field("sessionDuration", lambda _: msgspec.Raw(b"1e999")),
    "negative": _field("amountSpent", lambda _: -1.0),
    "out_of_range": _field("userId", lambda _: ""),
    "unequal_lengths": _field("productPrices", lambda prices: [*prices, 9.99]),
    "far_future": _field("eventTimeMs", lambda time_ms: time_ms + _TEN_YEARS_MS),
    "beyond_horizon": _field("eventTimeMs", lambda time_ms: max(0, time_ms - _TEN_YEARS_MS)),
    "unknown_schema_version": _field("schemaVersion", lambda _: 99),
}
"""The faults by name. Each takes a valid message and returns one that the gate must reject."""
