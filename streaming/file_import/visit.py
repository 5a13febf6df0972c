"""Turns the shop events of a session into a message of the contract. Pure. A wrong value in an event stays in
the message, so that the gate rejects it with a reason."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from streaming.contract.session import SCHEMA_VERSION, UNKNOWN
from streaming.file_import.assignment import SETTABLE
from streaming.file_import.json_lines import Outgoing
from streaming.file_import.shop_events import Event

_encoder = msgspec.json.Encoder()
_NOT_FINITE = {math.inf: msgspec.Raw(b"Infinity"), -math.inf: msgspec.Raw(b"-Infinity")}


def outgoing(events: Sequence[Event], feed: str, assigned: Mapping[str, str]) -> Outgoing:
    """Returns the message for `events`, which are all events of one session in their order."""
    first, last = events[0], events[-1]
    prices = [_price(event.price) for event in events]
    actions = [event.event_type for event in events]
    bought = "purchase" in actions
    spent = [
        price
        for price, action in zip(prices, actions, strict=True)
        if action == "purchase" and isinstance(price, float)
    ]
    known: dict[str, Any] = {**dict.fromkeys(SETTABLE, UNKNOWN), **assigned}
    if not bought:
        known["paymentMethodType"] = None
    message = {
        "schemaVersion": SCHEMA_VERSION,
        "sessionId": first.session_id,
        # Events without a time come last. Their text is sent instead, and rejected because it is not a
        # number.
        "eventTimeMs": last.event_time if last.time_ms is None else last.time_ms,
        "feed": feed,
        "userId": first.user_id,
        "name": "",
        "email": "",
        "productIds": [event.product_id for event in events],
        "productNames": [_product_name(event) for event in events],
        "productPrices": prices,
        "productCategories": [event.category_code or event.category_id or UNKNOWN for event in events],
        "actions": actions,
        # Events without a time come last.
        "interactionTimesMs": None if last.time_ms is None else [event.time_ms for event in events],
        "pageViews": actions.count("view"),
        "sessionDuration": _seconds(first.time_ms, last.time_ms),
        "clicks": len(events),
        "purchaseMade": bought,
        "amountSpent": round(sum(spent), 2),
        "reviews": [],
        **known,
    }
    return Outgoing(first.user_id.encode() or None, _encoder.encode(message))


def _seconds(first_ms: int | None, last_ms: int | None) -> float:
    return 0.0 if first_ms is None or last_ms is None else (last_ms - first_ms) / 1000


def _price(text: str) -> float | str | msgspec.Raw | None:
    """Returns the number in `text`. For an empty text None; for other texts the text itself; for NaN and
    infinities a token that is not valid JSON."""
    if not text:
        return None
    try:
        price = float(text)
    except ValueError:
        return text
    if math.isnan(price):
        return msgspec.Raw(b"NaN")
    if math.isinf(price):
        return _NOT_FINITE[price]
    return text if "_" in text else price


def _product_name(event: Event) -> str:
    kind = event.category_code.rpartition(".")[2]
    return " ".join(part for part in (event.brand, kind) if part) or event.product_id
