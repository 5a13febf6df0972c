"""The oracle's implementation of the event contract: the fields of a message and all reasons to reject it."""

import json
import math
from typing import Any, NoReturn

from lab.chaos.oracle.characters import disturbs, is_unicode

Fields = dict[str, Any]

MAX_BYTES, MAX_DEPTH = 1_000_000, 64
YEAR_2000_MS = 946_684_800_000
FUTURE_MS = 5 * 60_000
HORIZON_MS = 21 * 86_400_000
HUGE = 1_000_000_000
ID = (str, 1, 128)
NAME = (str, 0, 512)
COUNT = (int, 0, HUGE)
AMOUNT = (float, 0, 1e9)
BOUNDS: dict[str, tuple[type, float, float]] = {
    "sessionId": ID, "userId": ID, "name": NAME, "email": NAME, "gender": ID,
    "deviceType": ID, "operatingSystem": ID, "browserType": ID,
    "referrer": ID, "country": ID, "state": ID, "city": ID, "zipCode": ID,
    "eventTimeMs": (int, 0, 253_402_300_799_999),
    "pageViews": COUNT, "clicks": COUNT, "sessionDuration": (float, 0, 31_622_400), "amountSpent": AMOUNT,
}  # fmt: skip
"""For each field its type, and the minimum and maximum of its value or length."""
LISTS: dict[str, tuple[type, float, float]] = {
    "productIds": ID, "productNames": NAME, "productCategories": ID, "productPrices": AMOUNT,
}  # fmt: skip
ACTIONS = ("view", "cart", "remove_from_cart", "purchase")
REVIEW = {"productId", "rating", "text", "sentiment"}
IN_TEXTS = "\t\n\r\u061c\u200e\u200f"
REQUIRED = (*BOUNDS, *LISTS, "actions", "schemaVersion", "purchaseMade", "paymentMethodType", "reviews")
NEWER = ("consent", "currency", "channel", "campaign", "interactionTimesMs", "pages")
"""Those of version 2, all of which may be absent or null; in a message of version 1 they mean nothing."""
FIELDS = (*REQUIRED, "feed", *NEWER)
OBJECTS = {"consent", "pages", "reviews"}
CONSENTS = ("analytics", "personalisation", "training")
VERSIONS = (1, 2)
ROUNDED_BY_MS = 1_000
TIME = (int, 0, 253_402_300_799_999)
FACTS = (
    "userPseudonym", "sessionPseudonym", "pseudonymKey", "userKind", "late", "rawPartition", "rawOffset",
    "arrivedAtMs",
)  # fmt: skip
"""The fields that the gate adds."""
IDENTITY = ("userId", "sessionId", "name", "email", "zipCode")
"""Those that are in an object of their own behind the gate, and nowhere else."""


def expected(value: bytes | None, arrived_at_ms: int) -> tuple[Fields, frozenset[str]]:
    """Returns the same as `sound`, unless the message refuses analytics, which comes before every other
    reason."""
    return ({}, frozenset({"no_consent"})) if refuses(value or b"") else sound(value, arrived_at_ms)


def sound(value: bytes | None, arrived_at_ms: int) -> tuple[Fields, frozenset[str]]:
    """Returns the fields of a message and every reason in it to reject it; without a reason it is sound."""
    fields, reason = _read(value or b"")
    if reason:
        return fields, frozenset({reason})
    if type(fields.get("schemaVersion")) is int and fields["schemaVersion"] == 1:
        unknown = {name: fields.pop(name) for name in NEWER if name in fields}
        if not is_unicode(unknown):
            return fields, frozenset({"not_json"} | _objections(fields, arrived_at_ms))
    against = _objections(fields, arrived_at_ms)
    if not is_unicode(fields):
        halved = {name for name, one in fields.items() if not is_unicode({name: one})}
        against |= {"unprintable" if name in FIELDS else "not_json" for name in halved}
        # In an object, half a character may be in a field that the contract does not know, as outside of one.
        against |= {"not_json" for name in halved & OBJECTS}
    return fields, frozenset(against)


def refuses(value: bytes) -> bool:
    """Whether a message says that its user refuses analytics, as far as that can be read in whatever it is.
    The workload's own bytes alone are read so: it sends no setting, and version 1 says nothing."""
    text = value.decode(errors="replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        said = ("".join(after.split("}")[0].split()) for after in text.split('"consent"')[1:])
        return any(_answers_no(one) for one in said)
    if not isinstance(fields, dict) or fields.get("schemaVersion") == 1:
        return False
    consent = fields.get("consent")
    answer = consent.get("analytics") if isinstance(consent, dict) else consent if consent is False else None
    return answer is not None and answer is not True


def _answers_no(after: str) -> bool:
    """Of what stands behind `"consent"`, without spaces: whether it is false, or has an answer that is
    neither yes nor nothing."""
    if not after.startswith(":{"):
        return _is_word(after[1:], "false") if after.startswith(":") else False
    _, name, answer = after[2:].split("{")[0].rpartition('"analytics":')
    return bool(name and answer) and not (_is_word(answer, "true") or _is_word(answer, "null"))


def _is_word(text: str, word: str) -> bool:
    """Whether `text` begins with this word, and not with a longer one."""
    after = text[len(word) : len(word) + 1]
    return text.startswith(word) and not (after.isalnum() or after == "_")


def _read(value: bytes) -> tuple[Fields, str]:
    if len(value) > MAX_BYTES:
        return {}, "too_large"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {}, "not_utf8"
    if _depth(text) > MAX_DEPTH:
        return {}, "too_deep"
    try:
        fields = json.loads(text, parse_constant=_refuse)
    except _NotFinite:
        return {}, "not_finite"
    except ValueError:
        return {}, "not_json"
    if not isinstance(fields, dict):
        return {}, "wrong_type"
    return fields, "not_finite" if any(_is_infinite(one) for one in fields.values()) else ""


class _NotFinite(Exception):
    pass


def _refuse(_: str) -> NoReturn:
    raise _NotFinite


def _is_infinite(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_infinite, value))
    return isinstance(value, float) and math.isinf(value)


def _depth(text: str) -> int:
    """Returns the nesting depth of brackets outside of strings."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return 0
    deepest = depth = 0
    quoted = escaped = False
    for letter in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped, quoted = letter == "\\", letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    return deepest


def _objections(fields: Fields, arrived_at_ms: int) -> set[str]:
    if type(fields.get("schemaVersion")) is int and fields["schemaVersion"] not in VERSIONS:
        return {"unknown_schema_version"}
    against = {"missing_field"} if any(name not in fields for name in REQUIRED) else set()
    for name, bounds in BOUNDS.items():
        if name in fields:
            against |= _against(fields[name], *bounds)
    for name, bounds in LISTS.items():
        for one in _items(fields.get(name, []), against):
            against |= _against(one, *bounds)
    if any(action not in ACTIONS for action in _items(fields.get("actions", []), against)):
        against.add("wrong_type")
    if type(fields.get("purchaseMade", False)) is not bool or type(fields.get("schemaVersion", 2)) is not int:
        against.add("wrong_type")
    against |= _against(fields.get("feed", "live"), *ID)
    if fields.get("paymentMethodType") is not None:
        against |= _against(fields["paymentMethodType"], *ID)
    for review in _items(fields.get("reviews", []), against):
        against |= _against_review(review)
    against |= _against_newer(fields)
    if against:
        return against
    times, pages = fields.get("interactionTimesMs"), fields.get("pages") or []
    if times is not None and len(times) != len(fields["actions"]):
        against.add("unequal_lengths")
    end_ms = fields["eventTimeMs"]
    began_ms = max(YEAR_2000_MS, end_ms - int(fields["sessionDuration"] * 1000) - ROUNDED_BY_MS)
    if any(not began_ms <= at <= end_ms for at in [*(times or []), *(view["timeMs"] for view in pages)]):
        against.add("out_of_range")
    if len({len(fields[name]) for name in (*LISTS, "actions")}) > 1:
        against.add("unequal_lengths")
    if fields["eventTimeMs"] < YEAR_2000_MS:
        against.add("out_of_range")
    if fields["eventTimeMs"] > arrived_at_ms + FUTURE_MS:
        against.add("future_time")
    # The workload imports no file, so whoever names an import has forged it.
    if fields.get("feed", "live") != "live":
        against.add("unknown_feed")
    if fields.get("feed", "live") == "live" and fields["eventTimeMs"] < arrived_at_ms - HORIZON_MS:
        against.add("beyond_horizon")
    for name, reason in (("deviceType", "unknown_device"), ("referrer", "unknown_referrer")):
        if fields[name].lower() == "unknown":
            against.add(reason)
    return against


def _against_newer(fields: Fields) -> set[str]:
    against: set[str] = set()
    said = {name: fields[name] for name in NEWER if fields.get(name) is not None}
    for name in ("channel", "campaign"):
        against |= _against(said.get(name, "-"), *ID)
    for time in _items(said.get("interactionTimesMs", []), against):
        against |= _against(time, *TIME)
    for view in _items(said.get("pages", []), against):
        if not isinstance(view, dict):
            against.add("wrong_type")
        elif not view.keys() >= {"page", "timeMs"}:
            against.add("missing_field")
        else:
            against |= _against(view["page"], *ID) | _against(view["timeMs"], *TIME)
    consent = said.get("consent", {})
    answers = [consent.get(one) for one in CONSENTS] if isinstance(consent, dict) else ["no object"]
    if any(type(answer) not in (bool, type(None)) for answer in answers):
        against.add("wrong_type")
    code = said.get("currency", "EUR")
    against |= _against(code, str, 0, MAX_BYTES)
    if not (isinstance(code, str) and len(code) == 3 and all("A" <= letter <= "Z" for letter in code)):
        against.add("wrong_type")
    return against


def _against(value: Any, kind: type, least: float, most: float, allowed: str = "") -> set[str]:
    if type(value) is not kind and not (kind is float and type(value) is int):
        return {"wrong_type"}
    size: Any = value
    if kind is str:
        size = len(size)
    if size < least:
        return {"out_of_range" if kind is str else "negative"}
    against = {"out_of_range"} if size > most else set()
    return against | {"unprintable"} if isinstance(value, str) and disturbs(value, allowed) else against


def _items(value: Any, against: set[str]) -> list[Any]:
    if isinstance(value, list):
        return value
    against.add("wrong_type")
    return []


def _against_review(review: Any) -> set[str]:
    if not isinstance(review, dict):
        return {"wrong_type"}
    if not review.keys() >= REVIEW:
        return {"missing_field"}
    against = _against(review["productId"], *ID) | _against(review["text"], str, 0, 10_000, IN_TEXTS)
    if not is_unicode([one for name, one in review.items() if name not in REVIEW]):
        against.add("not_json")
    if review["sentiment"] not in ("positive", "negative", "neutral"):
        against.add("wrong_type")
    if type(review["rating"]) is not int:
        against.add("wrong_type")
    elif not 1 <= review["rating"] <= 5:
        against.add("out_of_range")
    return against
