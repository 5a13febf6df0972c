"""The parser never raises and returns the right reason, compared with an oracle written from the contract."""

import json
import math
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS

from lab.chaos.oracle.characters import disturbs
from streaming.contract import valid_session
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session

GOLDEN = (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_bytes()
FIELDS: dict[str, Any] = json.loads(GOLDEN)
NOW_MS = FIELDS["eventTimeMs"]
YEAR_2000_MS = 946_684_800_000

TEXT = st.text(st.characters(codec="utf-8"), max_size=140)
CLEAN = TEXT.filter(lambda text: not disturbs(text, ""))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


# Totality

NASTY = [b"\x00", b'"', b"\\", b"[", b"}", b"1e999", b"NaN", b"\xed\xa0\x80"]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """The golden message with some of its bytes replaced, removed or doubled."""
    raw = bytearray(GOLDEN)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(raw) - 1))
        length = draw(st.integers(0, 20))
        raw[at : at + length] = draw(st.binary(max_size=8) | st.sampled_from(NASTY))
    return bytes(raw)


@given(st.binary(max_size=400) | mangled() | JSON.map(dumped))
@example(b"\xff")
def test_any_bytes_get_a_result(raw: bytes) -> None:
    verdict = parse(raw, NOW_MS)
    assert isinstance(verdict, Session | Rejection)
    if isinstance(verdict, Session):
        again = parse(json.dumps(json.loads(raw)).encode(), NOW_MS)
        assert again == verdict


@given(st.sampled_from(sorted(FIELDS)), JSON)
def test_any_value_in_any_field_gets_a_result(name: str, value: Any) -> None:
    assert isinstance(parse(dumped(FIELDS | {name: value}), NOW_MS), Session | Rejection)


@given(st.binary(max_size=40))
def test_bytes_that_are_not_utf8_are_rejected_wherever_they_are(noise: bytes) -> None:
    for place in (b'"name":"', b'"extra":"'):
        raw = GOLDEN[:-1] + b"," + place + noise + b'"}'
        try:
            raw.decode()
            continue
        except UnicodeDecodeError as error:
            wrong_from = error.start
        assert parse(raw, NOW_MS) == Rejection(Reason.NOT_UTF8, f"at byte {wrong_from}")


@given(st.sampled_from(sorted(FIELDS)), st.uuids().map(lambda secret: f"secret-{secret}"))
def test_the_detail_never_contains_what_was_sent(name: str, secret: str) -> None:
    for value in (secret, [secret], {secret: secret}, [{secret: 1}], [[secret]]):
        verdict = parse(dumped(FIELDS | {name: value}), NOW_MS)
        assert isinstance(verdict, Session) or secret not in verdict.detail


# The right reason

STRINGS = {
    # field: (shortest, longest)
    "sessionId": (1, 128), "feed": (1, 128), "userId": (1, 128), "name": (0, 512), "email": (0, 512),
    "gender": (1, 128), "deviceType": (1, 128), "operatingSystem": (1, 128), "browserType": (1, 128),
    "paymentMethodType": (1, 128), "referrer": (1, 128), "country": (1, 128), "state": (1, 128),
    "city": (1, 128), "zipCode": (1, 128),
}  # fmt: skip
WHOLES = {"eventTimeMs": 253_402_300_799_999, "pageViews": 10**9, "clicks": 10**9}
AMOUNTS = {"sessionDuration": 31_622_400.0, "amountSpent": 1e9}


def contains_not_finite(value: Any) -> bool:
    match value:
        case float():
            return not math.isfinite(value)
        case list():
            return any(contains_not_finite(item) for item in value)
        case dict():
            return any(contains_not_finite(item) for item in value.values())
        case _:
            return False


def oracle(name: str, value: Any) -> Reason | None:
    """The reason, by the contract, for the golden message with `value` in its scalar field `name`."""
    if contains_not_finite(value):
        return Reason.NOT_FINITE
    if name == "paymentMethodType" and value is None:
        return None
    if name in STRINGS:
        shortest, longest = STRINGS[name]
        if not isinstance(value, str):
            return Reason.WRONG_TYPE
        if not shortest <= len(value) <= longest:
            return Reason.OUT_OF_RANGE
        if disturbs(value, ""):
            return Reason.UNPRINTABLE
        if value.lower() == "unknown":
            return {"deviceType": Reason.UNKNOWN_DEVICE, "referrer": Reason.UNKNOWN_REFERRER}.get(name)
        return None
    if name == "purchaseMade":
        return None if isinstance(value, bool) else Reason.WRONG_TYPE
    if isinstance(value, bool) or not isinstance(value, int if name in WHOLES else int | float):
        return Reason.WRONG_TYPE
    if value < 0:
        return Reason.NEGATIVE
    if value > (WHOLES | AMOUNTS)[name]:
        return Reason.OUT_OF_RANGE
    if name == "eventTimeMs" and value < YEAR_2000_MS:
        return Reason.OUT_OF_RANGE
    if name == "eventTimeMs" and value > NOW_MS + 300_000:
        return Reason.FUTURE_TIME
    return None


SCALARS = sorted([*STRINGS, *WHOLES, *AMOUNTS, "purchaseMade"])
ANY_SCALAR = (
    JSON
    | st.sampled_from(["unknown", "UNKNOWN", "", "x" * 128, "x" * 129, "x" * 512, "x" * 513])
    | st.integers(-10, 10)
    | st.integers(0, 10**15)
    | st.integers(YEAR_2000_MS - 2, YEAR_2000_MS + 2)
    | st.floats(-10, 1e10)
)


@given(st.sampled_from(SCALARS), ANY_SCALAR)
def test_the_reason_equals_the_oracles(name: str, value: Any) -> None:
    verdict = parse(dumped(FIELDS | {name: value}), NOW_MS)
    assert (verdict.reason if isinstance(verdict, Rejection) else None) == oracle(name, value)


@given(st.sampled_from(sorted(set(FIELDS) - {"feed"})))
def test_a_missing_field_is_named(name: str) -> None:
    raw = dumped({key: value for key, value in FIELDS.items() if key != name})
    assert parse(raw, NOW_MS) == Rejection(Reason.MISSING_FIELD, name)


PARALLEL = {
    "productIds": st.text("Pp0123456789", min_size=1, max_size=8),
    "productNames": CLEAN,
    "productPrices": st.floats(0, 1e9),
    "productCategories": st.text(min_size=1, max_size=20, alphabet="abc.-"),
    "actions": st.sampled_from(["view", "cart", "remove_from_cart", "purchase"]),
}


@given(st.fixed_dictionaries({name: st.lists(item, max_size=3) for name, item in PARALLEL.items()}))
def test_lists_have_equal_lengths_or_are_rejected(lists: dict[str, list[Any]]) -> None:
    verdict = parse(dumped(FIELDS | lists), NOW_MS)
    if len({len(items) for items in lists.values()}) == 1:
        assert isinstance(verdict, Session)
    else:
        assert isinstance(verdict, Rejection)
        assert verdict.reason == Reason.UNEQUAL_LENGTHS


# Valid sessions


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """Any message that the contract allows."""
    count = draw(st.integers(0, 5))
    known = st.text(min_size=1, max_size=128).filter(
        lambda text: text.lower() != "unknown" and not disturbs(text, "")
    )
    review = st.fixed_dictionaries(
        {
            "productId": known,
            "rating": st.integers(1, 5),
            "text": TEXT.filter(lambda text: not disturbs(text, "\n\t")),
            "sentiment": st.sampled_from(["positive", "negative", "neutral"]),
        }
    )
    version = draw(st.sampled_from([1, 2]))
    end_ms = draw(st.integers(YEAR_2000_MS, NOW_MS))
    duration_s = draw(st.floats(0, 31_622_400))
    within = st.integers(max(YEAR_2000_MS, end_ms - int(duration_s * 1000)), end_ms)
    view = st.fixed_dictionaries({"page": known, "timeMs": within})
    answer = st.none() | st.booleans()
    newer: dict[str, st.SearchStrategy[Any]] = {
        "interactionTimesMs": st.lists(within, min_size=count, max_size=count),
        "pages": st.lists(view, max_size=3),
        "currency": st.text("ABCXYZ", min_size=3, max_size=3),
        "channel": known,
        "campaign": known,
        "consent": st.fixed_dictionaries(dict.fromkeys(["analytics", "personalisation", "training"], answer)),
    }
    fields: dict[str, st.SearchStrategy[Any]] = {
        "schemaVersion": st.just(version),
        **{name: known for name, (shortest, _) in STRINGS.items() if shortest},
        "name": CLEAN,
        "email": CLEAN,
        "eventTimeMs": st.just(end_ms),
        "pageViews": st.integers(0, 10**9),
        "clicks": st.integers(0, 10**9),
        "sessionDuration": st.just(duration_s),
        "amountSpent": st.floats(0, 1e9),
        "purchaseMade": st.booleans(),
        "paymentMethodType": st.none() | known,
        "reviews": st.lists(review, max_size=2),
        **{name: st.lists(item, min_size=count, max_size=count) for name, item in PARALLEL.items()},
    }
    message = draw(st.fixed_dictionaries(fields, optional=newer if version == 2 else {}))
    return dict.fromkeys(newer) | message if draw(st.booleans()) else message


@given(messages(), st.booleans())
def test_valid_sessions_round_trip(message: dict[str, Any], ascii_only: bool) -> None:
    session = parse(json.dumps(message, ensure_ascii=ascii_only).encode(), NOW_MS)
    assert isinstance(session, Session)
    admitted = valid_session.admit(
        session,
        PSEUDONYMS,
        user_kind="returning",
        late=True,
        raw_partition=3,
        raw_offset=2**40,
        arrived_at_ms=NOW_MS,
    )
    value = valid_session.encode(admitted)
    assert valid_session.decode_stored(value, PSEUDONYMS) == admitted
    assert valid_session.sent(admitted) == session
    facts = {"userKind", "late", "rawPartition", "rawOffset", "arrivedAtMs"}
    facts |= {"userPseudonym", "sessionPseudonym", "pseudonymKey", "identity"}
    fields = json.loads(value)
    held = {name: field for name, field in (fields | fields["identity"]).items() if name not in facts}
    for name in ("deviceType", "referrer"):  # whose case has no meaning
        assert held[name].lower() == message[name].lower()
    spelled = {name: held[name] for name in ("deviceType", "referrer")}
    unsaid = dict.fromkeys(held.keys() - message.keys())  # what is not said is null
    assert held == unsaid | message | spelled
    assert parse(json.dumps(held).encode(), NOW_MS) == session
