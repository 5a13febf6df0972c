"""An e-mail address goes no further than the field that it belongs in, wherever else a sender puts it."""

import json
import sys
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streaming.contract import golden
from streaming.contract.addresses import MASK, masked, masked_text
from streaming.contract.parsing import parse
from streaming.contract.session import Session

GOLDEN = golden.sessions()[-1]
FIELDS: dict[str, Any] = json.loads(GOLDEN.value)

LETTERS = st.sampled_from("abcxyz0189äßŁ")
LOCAL = st.text(LETTERS | st.sampled_from(".-_+%'!#"), min_size=1, max_size=12).filter(
    lambda text: "%40" not in text
)
LABEL = st.text(st.sampled_from("abcxyz019-"), min_size=2, max_size=8).map(lambda text: "l" + text)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4)
SIGN = st.sampled_from(["@", "%40", "%2540", "\uff20", "\ufe6b"])
DOT = st.sampled_from([".", "%2e", "%2E", "%252E", "%25252e"])
ADDRESS = st.builds(
    lambda local, sign, dot, domain: f"{local}{sign}{dot.join(domain)}", LOCAL, SIGN, DOT, DOMAIN
)
BESIDE = st.sampled_from(["", " ", "?email=", "mailto:", "<", ">", "/", "&to=", '"', "; ", "(", ")"])
ANY = st.text(st.sampled_from("@%2540.ab1 /=[]\uff20") | st.characters(codec="utf-8"), max_size=60)

WORDS = [
    ("gender",), ("deviceType",), ("operatingSystem",), ("browserType",), ("paymentMethodType",),
    ("referrer",), ("channel",), ("campaign",), ("country",), ("state",), ("city",), ("productIds", 1),
    ("productNames", 2),
    ("productCategories", 0), ("pages", 4, "page"), ("reviews", 0, "text"), ("reviews", 0, "productId"),
]  # fmt: skip
IDENTITY = ("sessionId", "userId", "name", "email", "zipCode")


def with_word(path: tuple[Any, ...], word: str) -> dict[str, Any]:
    """The golden session with `word` at `path`."""
    fields = json.loads(GOLDEN.value)
    at = fields
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = word
    return dict(fields)


def content(session: Session) -> dict[str, Any]:
    """All that the session says, without the fields that name its user."""
    fields: dict[str, Any] = json.loads(json.dumps(session, default=_plain))
    return fields


def _plain(value: Any) -> Any:
    return {name: getattr(value, name) for name in value.__struct_fields__ if name not in (
        "session_id", "user_id", "name", "email", "zip_code")}  # fmt: skip


@given(ADDRESS, st.sampled_from(WORDS), BESIDE, BESIDE, st.booleans())
@example("a@b.cd", ("referrer",), "", "", True)
def test_an_address_in_any_word_is_masked(
    address: str, path: tuple[Any, ...], before: str, after: str, escape: bool
) -> None:
    raw = json.dumps(with_word(path, f"{before}{address}{after}"), ensure_ascii=escape)
    session = parse(raw.encode(), GOLDEN.event_time_ms)
    assert isinstance(session, Session)
    held = json.dumps(content(session), ensure_ascii=False).lower()
    assert address.lower() not in held
    assert MASK in held
    assert session.email == FIELDS["email"]


@given(ADDRESS, st.sampled_from(IDENTITY))
def test_where_an_identity_belongs_it_stays(address: str, name: str) -> None:
    session = parse(json.dumps(FIELDS | {name: address}).encode(), GOLDEN.event_time_ms)
    assert isinstance(session, Session)
    assert json.dumps(address) in json.dumps(
        [session.session_id, session.user_id, session.name, session.email, session.zip_code]
    )
    assert MASK not in json.dumps(content(session))


@given(ANY)
def test_masking_again_changes_nothing_and_nothing_becomes_longer(text: str) -> None:
    clean = masked_text(text)
    assert masked_text(clean) == clean
    assert len(clean) <= len(text)
    if "@" not in text and "%" not in text and "\uff20" not in text and "\ufe6b" not in text:
        assert clean is text


@given(ANY, st.sampled_from(WORDS), st.booleans())
def test_the_quick_look_overlooks_nothing(text: str, path: tuple[Any, ...], escape: bool) -> None:
    raw = json.dumps(with_word(path, text), ensure_ascii=escape).encode()
    session = parse(raw, GOLDEN.event_time_ms)
    if isinstance(session, Session):
        assert masked(session) == session


def test_an_escaped_sign_is_seen() -> None:
    for sign in (r"\u0040", r"\u002540", r"%\u00340", r"\uFF20", r"\ufe6B"):
        raw = json.dumps(with_word(("city",), "a@b.cd")).replace("a@b", f"a{sign}b")
        session = parse(raw.encode(), GOLDEN.event_time_ms)
        assert isinstance(session, Session)
        assert session.city == MASK, sign


@pytest.mark.parametrize(
    "text",
    ["@home", "size 4@2.5", "x@y", "50%", "a @ b.cd", "user%40", "@b.cd", "www.shop.example/a%20b", "[mail]"],
)
def test_what_only_looks_like_one_stays(text: str) -> None:
    assert masked_text(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://shop.example/?email=a.b%2Bc%40d.example&x=1", "https://shop.example/?email=[mail]&x=1"),
        ("write to ada@example.org.", "write to [mail]."),
        ("ada@example.org,bob@example.org", "[mail],[mail]"),
    ],
)
def test_what_is_beside_it_stays(text: str, clean: str) -> None:
    assert masked_text(text) == clean


SLOW = {
    "signs": "@" * 10_000,
    "encoded signs": "%40" * 3_300,
    "encoded percents": "%25" * 3_300,
    "dots": "a@" + "b." * 5_000,
    "one long word": "a" * 9_990 + "@b",
    "many without a domain": "a@b" * 3_300,
    "labels after each sign": "a@b.1" * 2_000,
    "addresses": "a@b.cd" * 1_700,
    "encoded dots": "a@b%" + "25" * 5_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_no_text_takes_long(text: str) -> None:
    """A hundred times as long a text takes no more than some hundred times as long."""
    began_s = time.process_time()
    for _ in range(100):
        masked_text(text[: len(text) // 100])
    short_s = time.process_time() - began_s
    began_s = time.process_time()
    masked_text(text)
    assert time.process_time() - began_s < 20 * short_s + 0.05


@pytest.mark.parametrize("what", ["signs", "encoded signs", "many without a domain"])
def test_a_sign_without_a_domain_costs_no_call(what: str) -> None:
    """A megabyte of them took half a second, a hundred times as long as parsing."""
    calls: list[str] = []
    sys.setprofile(lambda frame, event, argument: calls.append(event))
    try:
        masked_text(SLOW[what])
    finally:
        sys.setprofile(None)
    assert len(calls) < 20
