"""An example for each reason of rejection, and messages that must not slow the parser down."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from streaming.contract.parsing import FUTURE_TOLERANCE_MS, parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import MAX_INTERACTIONS, MAX_MESSAGE_BYTES, Session

GOLDEN = (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_bytes()
FIELDS: dict[str, Any] = json.loads(GOLDEN)
NOW_MS = FIELDS["eventTimeMs"]
BEGAN_MS = NOW_MS - round(FIELDS["sessionDuration"] * 1000)


def with_fields(**changed: Any) -> bytes:
    return json.dumps(FIELDS | changed).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in FIELDS.items() if key != name}).encode()


def with_token(name: str, token: bytes) -> bytes:
    """A message with `token`, which no encoder writes, as the value of field `name`."""
    return with_fields(**{name: "TOKEN"}).replace(b'"TOKEN"', token)


def second(**changed: Any) -> bytes:
    """The same as a message of version 2."""
    return with_fields(schemaVersion=2, **changed)


def review(**changed: Any) -> bytes:
    return with_fields(reviews=[FIELDS["reviews"][0] | changed])


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


REFUSED = [
    (None, Reason.NOT_JSON, "not a JSON text"),
    (b"", Reason.NOT_JSON, "not a JSON text"),
    (b"\x00", Reason.NOT_JSON, "not a JSON text"),
    (GOLDEN[:-1], Reason.NOT_JSON, "not a JSON text"),
    (GOLDEN + b"\x00", Reason.NOT_JSON, "not a JSON text"),
    (GOLDEN + GOLDEN, Reason.NOT_JSON, "not a JSON text"),
    (b"\xef\xbb\xbf" + GOLDEN, Reason.NOT_JSON, "not a JSON text"),
    (with_token("extra", rb'"\udfff\ud800"'), Reason.NOT_JSON, "not a JSON text"),
    (with_fields(**{"\ud800": 1}), Reason.NOT_JSON, "not a JSON text"),
    (review(**{"extra": "\ud800"}), Reason.NOT_JSON, "not a JSON text"),
    (with_token("city", b'"a\nb"'), Reason.NOT_JSON, "not a JSON text"),
    (with_token("clicks", b"01"), Reason.NOT_JSON, "not a JSON text"),
    (b"[]", Reason.WRONG_TYPE, "$: expected an object"),
    (b'"text"', Reason.WRONG_TYPE, "$: expected an object"),
    (GOLDEN.decode().encode("utf-16"), Reason.NOT_UTF8, "at byte 0"),
    (with_token("name", b'"\xff"'), Reason.NOT_UTF8, ""),
    (with_token("extra", b'"\xc3("'), Reason.NOT_UTF8, ""),
    (with_token("extra", nested(65)), Reason.TOO_DEEP, "nested deeper than 64"),
    (with_token("actions", nested(30_000)), Reason.TOO_DEEP, "nested deeper than 64"),
    (b"[" * (MAX_MESSAGE_BYTES - 1), Reason.TOO_DEEP, "nested deeper than 64"),
    (b" " * (MAX_MESSAGE_BYTES + 1), Reason.TOO_LARGE, f"1000001 bytes, allowed {MAX_MESSAGE_BYTES}"),
    (with_token("amountSpent", b"NaN"), Reason.NOT_FINITE, "NaN or Infinity"),
    (with_token("extra", b"-Infinity"), Reason.NOT_FINITE, "NaN or Infinity"),
    (with_token("amountSpent", b"1e999"), Reason.NOT_FINITE, "a number beyond float64"),
    (with_token("productPrices", b"[-1e999,1,1]"), Reason.NOT_FINITE, "a number beyond float64"),
    (without("sessionId"), Reason.MISSING_FIELD, "sessionId"),
    (without("paymentMethodType"), Reason.MISSING_FIELD, "paymentMethodType"),
    (b"{}", Reason.MISSING_FIELD, "schemaVersion"),
    (with_fields(reviews=[{}]), Reason.MISSING_FIELD, "reviews: "),
    (with_fields(clicks="9"), Reason.WRONG_TYPE, "clicks: "),
    (with_fields(clicks=9.0), Reason.WRONG_TYPE, "clicks: "),
    (with_fields(clicks=True), Reason.WRONG_TYPE, "clicks: "),
    (with_fields(purchaseMade=1), Reason.WRONG_TYPE, "purchaseMade: "),
    (with_fields(productIds="P1"), Reason.WRONG_TYPE, "productIds: "),
    (with_fields(name=None), Reason.WRONG_TYPE, "name: "),
    (
        with_fields(actions=["view", "steal", "view"]),
        Reason.WRONG_TYPE,
        "actions: Invalid enum value - at `$[1]`",
    ),
    (review(sentiment="glad"), Reason.WRONG_TYPE, "reviews: Invalid enum value - at `$[0].sentiment`"),
    (b'{"clicks":"x",' + GOLDEN[1:], Reason.WRONG_TYPE, "$: "),
    (with_fields(amountSpent=-0.01), Reason.NEGATIVE, "amountSpent: "),
    (with_fields(productPrices=[1, -1, 1]), Reason.NEGATIVE, "productPrices: "),
    (with_fields(pageViews=-1), Reason.NEGATIVE, "pageViews: "),
    (with_fields(eventTimeMs=-(10**30)), Reason.NEGATIVE, "eventTimeMs: "),
    (with_fields(clicks=10**9 + 1), Reason.OUT_OF_RANGE, "clicks: "),
    (with_token("clicks", b"9" * 400), Reason.OUT_OF_RANGE, "clicks: "),
    (with_token("productPrices", b"[1" + b"0" * 400 + b",1,1]"), Reason.OUT_OF_RANGE, "productPrices: "),
    (with_fields(userId=""), Reason.OUT_OF_RANGE, "userId: "),
    (with_fields(city="x" * 129), Reason.OUT_OF_RANGE, "city: "),
    (with_fields(productPrices=[1.0] * (MAX_INTERACTIONS + 1)), Reason.OUT_OF_RANGE, "productPrices: "),
    (review(rating=6), Reason.OUT_OF_RANGE, "reviews: "),
    (review(rating=0), Reason.OUT_OF_RANGE, "reviews: "),
    (with_fields(productPrices=[1.0]), Reason.UNEQUAL_LENGTHS, "product_ids, "),
    (
        with_fields(eventTimeMs=NOW_MS // 1_000),
        Reason.OUT_OF_RANGE,
        "eventTimeMs before the year 2000: it must be",
    ),
    (with_fields(eventTimeMs=0, feed="import-x"), Reason.OUT_OF_RANGE, "eventTimeMs before the year 2000"),
    (with_fields(eventTimeMs=946_684_799_999), Reason.OUT_OF_RANGE, "eventTimeMs before the year 2000"),
    (with_fields(sessionId="x\x1b]0;pwned\x07\x1b[2J"), Reason.UNPRINTABLE, "sessionId: "),
    (with_fields(city="a\nb"), Reason.UNPRINTABLE, "city: "),
    (with_fields(feed="live\x7f"), Reason.UNPRINTABLE, "feed: "),
    (with_fields(productNames=["a", "\u202eb", "c"]), Reason.UNPRINTABLE, "productNames[1]: "),
    (review(productId="P\t"), Reason.UNPRINTABLE, "reviews[0].productId: "),
    (review(text="turned\u202earound"), Reason.UNPRINTABLE, "reviews[0].text: "),
    (with_token("name", rb'"\ud800"'), Reason.UNPRINTABLE, "name: "),
    (with_fields(actions=["view", "\udfff", "view"]), Reason.UNPRINTABLE, "actions: "),
    (review(sentiment="\ud800"), Reason.UNPRINTABLE, "reviews: "),
    (review(**{"\ud800": 1}), Reason.UNPRINTABLE, "reviews: "),
    (with_fields(schemaVersion=3), Reason.UNKNOWN_SCHEMA_VERSION, "known are 1 and 2"),
    (b'{"schemaVersion":3,"whatever":[]}', Reason.UNKNOWN_SCHEMA_VERSION, "known are 1 and 2"),
    (second(interactionTimesMs=[NOW_MS]), Reason.UNEQUAL_LENGTHS, "interactionTimesMs and actions"),
    (second(interactionTimesMs=[]), Reason.UNEQUAL_LENGTHS, "interactionTimesMs and actions"),
    (second(interactionTimesMs=[NOW_MS] * 3, actions=[]), Reason.UNEQUAL_LENGTHS, "product_ids, "),
    (second(interactionTimesMs=[NOW_MS, NOW_MS, NOW_MS + 1]), Reason.OUT_OF_RANGE, "interactionTimesMs: "),
    (
        second(interactionTimesMs=[BEGAN_MS - 1_001, NOW_MS, NOW_MS]),
        Reason.OUT_OF_RANGE,
        "interactionTimesMs",
    ),
    (second(interactionTimesMs=[-1, NOW_MS, NOW_MS]), Reason.NEGATIVE, "interactionTimesMs: "),
    (second(interactionTimesMs=[1.5, NOW_MS, NOW_MS]), Reason.WRONG_TYPE, "interactionTimesMs: "),
    (
        second(eventTimeMs=946_684_800_001, interactionTimesMs=[946_684_799_999] * 3),
        Reason.OUT_OF_RANGE,
        "interactionTimesMs: one is not within the session",
    ),
    (second(pages=[{"page": "home", "timeMs": NOW_MS + 1}]), Reason.OUT_OF_RANGE, "pages: a timeMs is not"),
    (second(pages=[{"page": "home"}]), Reason.MISSING_FIELD, "pages: "),
    (second(pages=[{"page": "", "timeMs": NOW_MS}]), Reason.OUT_OF_RANGE, "pages: "),
    (second(pages=["home"]), Reason.WRONG_TYPE, "pages: "),
    (
        second(pages=[{"page": "a", "timeMs": NOW_MS}, {"page": "\u202eb", "timeMs": NOW_MS}]),
        Reason.UNPRINTABLE,
        "pages[1].page: ",
    ),
    (second(currency="euro"), Reason.WRONG_TYPE, "currency: "),
    (second(currency="eur"), Reason.WRONG_TYPE, "currency: "),
    (second(currency=978), Reason.WRONG_TYPE, "currency: "),
    (second(currency="ÄÖÜ"), Reason.WRONG_TYPE, "currency: "),
    (second(currency=""), Reason.WRONG_TYPE, "currency: "),
    (second(currency="EUR\n"), Reason.UNPRINTABLE, "currency: "),
    (second(consent=True), Reason.WRONG_TYPE, "consent: "),
    (second(consent={"training": "yes"}), Reason.WRONG_TYPE, "consent: "),
    (second(channel=""), Reason.OUT_OF_RANGE, "channel: "),
    (second(campaign="a\tb"), Reason.UNPRINTABLE, "campaign: "),
    (with_fields(eventTimeMs=NOW_MS + FUTURE_TOLERANCE_MS + 1), Reason.FUTURE_TIME, "eventTimeMs "),
    (with_fields(deviceType="Unknown"), Reason.UNKNOWN_DEVICE, "deviceType"),
    (with_fields(referrer="unknown"), Reason.UNKNOWN_REFERRER, "referrer"),
]


@pytest.mark.parametrize(("raw", "reason", "detail"), REFUSED, ids=lambda value: str(value)[:40])
def test_rejected_with_its_reason(raw: bytes | None, reason: Reason, detail: str) -> None:
    verdict = parse(raw, NOW_MS)
    assert isinstance(verdict, Rejection)
    assert verdict.reason == reason
    assert verdict.detail.startswith(detail)


BY_THE_GATE = {
    Reason.DUPLICATE,
    Reason.BEYOND_HORIZON,
    Reason.UNKNOWN_FEED,
    Reason.TOO_MANY_IMPORTS,
    Reason.NO_CONSENT,
}


def test_every_reason_of_the_parser_has_an_example() -> None:
    assert {reason for _, reason, _ in REFUSED} == set(Reason) - BY_THE_GATE


ACCEPTED = {
    "as it is": GOLDEN,
    "unknown field": with_fields(extra={"any": [1, None, "thing"]}),
    "huge number in an unknown field": with_token("extra", b"1" * 5_000),
    "64 levels in an unknown field": with_token("extra", nested(63)),
    "many brackets, none deep": with_token("extra", b"[" + b"[],{}," * 500 + b"[]]"),
    "brackets within strings": with_fields(extra="[" * 500 + '\\"' + "{" * 500),
    "control characters in an unknown field": with_fields(extra="a\0b\u202e\x7f"),
    "an escape that is none": with_fields(name="\\u0000 \\n \\ud800"),
    "lines and tabs in the text of a review": review(text="two\r\nlines\nand a\ttab"),
    "a mark in the text of a review": review(text="\u05d8\u05d5\u05d1\u200f!"),
    "emoji of several": with_fields(name="\U0001f469\u200d\U0001f4bb"),
    "the first moment of 2000": with_fields(eventTimeMs=946_684_800_000),
    "last of two": b'{"clicks":3,' + GOLDEN[1:],
    "as far in the future as allowed": with_fields(eventTimeMs=NOW_MS + FUTURE_TOLERANCE_MS),
    "no interaction at all": with_fields(
        productIds=[], productNames=[], productPrices=[], productCategories=[], actions=[], reviews=[]
    ),
    "bounds": with_fields(clicks=10**9, amountSpent=1e9, userId="u" * 128, sessionDuration=0),
    "version 2 without what it has brought": second(),
    "version 2 with nothing of it": second(
        interactionTimesMs=None, pages=None, currency=None, channel=None, campaign=None, consent=None
    ),
    "times at both ends": second(interactionTimesMs=[BEGAN_MS, BEGAN_MS - 1_000, NOW_MS], pages=[]),
    "some consent": second(consent={"analytics": False, "other": 1}),
    "fields of version 2 in a message of version 1": with_fields(
        interactionTimesMs=["noon"], pages=7, currency="euro", channel="", campaign=[], consent="yes"
    ),
    "surrogate pair": with_token("name", rb'"\ud83d\ude00"'),
}


@pytest.mark.parametrize("raw", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_accepted(raw: bytes) -> None:
    assert isinstance(parse(raw, NOW_MS), Session)


def test_in_version_1_the_fields_of_version_2_mean_nothing() -> None:
    first = parse(GOLDEN, NOW_MS)
    sound = {"interactionTimesMs": [NOW_MS] * 3, "currency": "EUR", "campaign": "a\tb"}
    for fields in (sound, {"currency": 5, "consent": "yes"}):
        assert parse(with_fields(**fields), NOW_MS) == first


def test_the_feed_is_live_by_default() -> None:
    session = parse(without("feed"), NOW_MS)
    assert isinstance(session, Session)
    assert session.feed == "live"


SLOW_TO_READ = {
    "escaped quotes, never closed": b'"' + b'\\"' * 499_000,
    "quotes": b'"' * 999_000,
    "backslashes": b'"' + b"\\" * 999_000,
    "brackets side by side": b"[" + b"[]," * 330_000,
    "brackets after an open string": b'{"' + b"[{" * 499_000,
    "digits": b'{"clicks":' + b"1" * 999_000 + b"}",
    "digits after a point": b'{"amountSpent":1.' + b"1" * 999_000 + b"}",
    "objects in a list": b"[" + b'{"a":1},' * 120_000 + b"1]",
}


@pytest.mark.parametrize("raw", SLOW_TO_READ.values(), ids=SLOW_TO_READ.keys())
def test_no_message_takes_the_parser_long(raw: bytes) -> None:
    """It takes at most as long as a thousand plain loops over the bytes; quadratic time would be a
    million."""
    began_s = time.process_time()
    for _ in raw:
        pass
    loop_s = time.process_time() - began_s
    began_s = time.process_time()
    assert isinstance(parse(raw, NOW_MS), Rejection)
    assert time.process_time() - began_s < 1_000 * loop_s


def test_what_is_in_a_page_counts_as_deep_too() -> None:
    pages = [{"page": "home", "timeMs": NOW_MS, "extra": "TOKEN"}, *[{"page": "a", "timeMs": NOW_MS}] * 100]
    for depth, deep in ((61, False), (62, True), (5_000, True)):
        raw = second(pages=pages).replace(b'"TOKEN"', nested(depth))
        verdict = parse(raw, NOW_MS)
        assert (verdict == Rejection(Reason.TOO_DEEP, "nested deeper than 64")) == deep, depth
        assert isinstance(verdict, Session) != deep


def test_a_long_visit_takes_no_longer_than_its_length() -> None:
    """Its pages are not mistaken for depth, which would be looked for slowly."""
    short, long = (second(pages=[{"page": "product", "timeMs": NOW_MS}] * count) for count in (40, 4_000))
    took_s = []
    for raw, times in ((short, 400), (long, 4)):
        began_s = time.process_time()
        for _ in range(times):
            assert isinstance(parse(raw, NOW_MS), Session)
        took_s.append(time.process_time() - began_s)
    assert took_s[1] < 3 * took_s[0]


def test_the_result_does_not_depend_on_the_callers_stack_depth() -> None:
    raws = [with_token("extra", nested(depth)) for depth in (63, 64, 500, 900)]
    raws += [with_token("clicks", nested(depth)) for depth in (63, 64, 500, 900)]

    def deeper(levels: int) -> list[Session | Rejection]:
        return deeper(levels - 1) if levels else [parse(raw, NOW_MS) for raw in raws]

    assert deeper(700) == deeper(0)


@pytest.mark.parametrize(
    "secret", ["jane@example.org", "length >= 0", "missing required field", "a - at `$[9]`"]
)
def test_the_detail_quotes_no_value(secret: str) -> None:
    for raw in (with_fields(actions=[secret]), review(sentiment=secret), with_fields(clicks=secret)):
        verdict = parse(raw, NOW_MS)
        assert isinstance(verdict, Rejection)
        assert verdict.reason == Reason.WRONG_TYPE
        assert secret not in verdict.detail
