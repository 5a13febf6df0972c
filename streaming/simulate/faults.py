"""Ways to break the contract, at least one for each reason of rejection."""

from collections.abc import Callable
from typing import Any

import msgspec

from streaming.contract.session import EARLIEST_TIME_MS
from streaming.contract.time_units import DAY_MS

Fields = dict[str, Any]
_TEN_YEARS_MS = 10 * 365 * DAY_MS


def _truncated(value: bytes) -> bytes:
    return value[: len(value) // 2]


def _not_utf8(value: bytes) -> bytes:
    return value.replace(b'"name":"', b'"name":"\xff\xfe', 1)


def _nesting_bomb(value: bytes) -> bytes:
    return b'{"extra":' + b"[" * 200 + b"]" * 200 + b"," + value[1:]


def _half_a_pair(before: bytes) -> Callable[[bytes], bytes]:
    """Returns a function that puts half of a surrogate pair after `before`, which no encoder does."""
    return lambda value: value.replace(before, before + rb'"\ud83d",', 1)


def _field(name: str, change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Returns a function that changes one field of a message."""

    def broken(value: bytes) -> bytes:
        fields: Fields = msgspec.json.decode(value)
        return msgspec.json.encode(fields | {name: change(fields[name])})

    return broken


def _ten_years_before(value: bytes) -> bytes:
    """Moves the whole visit, but not to before 2000."""
    fields: Fields = msgspec.json.decode(value)
    ended_ms: int = fields["eventTimeMs"]
    end_ms = max(EARLIEST_TIME_MS, ended_ms - _TEN_YEARS_MS)

    def moved(time_ms: int) -> int:
        return max(EARLIEST_TIME_MS, time_ms - ended_ms + end_ms)

    times = {
        "eventTimeMs": end_ms,
        "interactionTimesMs": [moved(time_ms) for time_ms in fields.get("interactionTimesMs", [])],
        "pages": [page | {"timeMs": moved(page["timeMs"])} for page in fields.get("pages", [])],
    }
    return msgspec.json.encode(fields | times)


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
    "beyond_horizon": _ten_years_before,
    "in_seconds": _field("eventTimeMs", lambda time_ms: time_ms // 1000),
    "terminal_escape": _field("sessionId", lambda session: f"{session}\x1b]0;owned\x07"),
    "turned_around": _field("city", lambda city: f"\u202e{city}"),
    "forged_line": _field("referrer", lambda referrer: f"{referrer}\u2028broken raw: nothing"),
    "half_a_pair": _half_a_pair(b'"productNames":['),
    "half_a_pair_as_action": _half_a_pair(b'"actions":['),
    "half_a_pair_beside": lambda value: rb'{"extra":"\ud83d",' + value[1:],
    "before_the_visit": _field("interactionTimesMs", lambda times: [EARLIEST_TIME_MS - 1, *times[1:]]),
    "unequal_times": _field("interactionTimesMs", lambda times: times[1:]),
    "no_currency": _field("currency", lambda _: "euro"),
    "unknown_schema_version": _field("schemaVersion", lambda _: 99),
}
"""The faults by name. Each takes a valid message and returns one that the gate must reject."""
FIRST_FAULTS = {
    name: fault
    for name, fault in FAULTS.items()
    if name not in ("before_the_visit", "unequal_times", "no_currency")
}
"""Those of a message of version 1, which has no field that the others change."""
