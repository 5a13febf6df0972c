"""What changes how its surroundings are shown is refused, wherever it stands and however it is written."""

import json
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from lab.chaos.oracle.contract import sound
from streaming.contract import golden
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session

GOLDEN = golden.sessions()[-1]
FIELDS: dict[str, Any] = json.loads(GOLDEN.value)
NOW_MS = GOLDEN.event_time_ms

BANNED = {
    *range(0x20), *range(0x7F, 0xA0),  # C0, DEL, C1
    0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A),  # bidirectional
    0x2028, 0x2029,  # separators
    *range(0xD800, 0xE000),  # surrogates
}  # fmt: skip
BESIDE = [
    0x20, 0x7E, 0xA0, 0x061B, 0x061D, 0x200D, 0x2010, 0x2027, 0x202F, 0x2065, 0x206A, 0xE000, 0xFEFF,
    0x1F469, *map(ord, '\\"/un0'),
]  # fmt: skip

CHARACTERS = st.sampled_from(sorted(BANNED)) | st.sampled_from(BESIDE) | st.integers(0, 0x10FFFF)
WORDS = st.lists(CHARACTERS, min_size=1, max_size=8).map(lambda codes: "".join(map(chr, codes)))

STRINGS = [
    (name,) if isinstance(value, str) else (name, at)
    for name, value in FIELDS.items()
    for at in ([0] if isinstance(value, str) else range(len(value)) if name.startswith("product") else [])
    if name not in ("productPrices", "currency")
] + [("paymentMethodType",), ("reviews", 0, "productId"), ("reviews", 0, "text"), ("pages", 3, "page"),
     ("extra",)]  # fmt: skip


IN_TEXTS = {0x09, 0x0A, 0x0D, 0x061C, 0x200E, 0x200F}
"""Line ends, tabs and marks, as forms and right-to-left languages have them."""


def with_string(path: tuple[Any, ...], text: str) -> dict[str, Any]:
    """The golden session with `text` at `path`."""
    fields: Any = json.loads(GOLDEN.value)
    at = fields
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = text
    return dict(fields)


def written(fields: dict[str, Any], escape: bool, capitals: bool) -> bytes:
    """As JSON: with everything escaped that can be, or as little as possible. Halves of pairs can only be
    escaped."""
    text = json.dumps(fields, ensure_ascii=escape)
    text = re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half.group()):04x}", text)
    if capitals:
        text = re.sub(r"(?<!\\)((?:\\\\)*\\u)([0-9a-f]{4})", lambda m: m[1] + m[2].upper(), text)
    return text.encode()


def slow_oracle(path: tuple[Any, ...], raw: bytes) -> Reason | None:
    """Reads the string back, as two halves side by side are one character, and looks at each character."""
    text: Any = json.loads(raw)
    for step in path:
        text = text[step]
    codes = {ord(one) for one in text}
    if path == ("extra",):
        return Reason.NOT_JSON if codes & set(range(0xD800, 0xE000)) else None
    return Reason.UNPRINTABLE if codes & (BANNED - (IN_TEXTS if path[-1] == "text" else set())) else None


@given(st.sampled_from(STRINGS), WORDS, st.booleans(), st.booleans())
@example(("sessionId",), "\0", True, False)
@example(("sessionId",), "\x7f", False, False)
@example(("city",), "\\u0000", True, False)
@example(("city",), "\\\u202e", True, True)
@example(("reviews", 0, "text"), "\n\t", True, False)
@example(("reviews", 0, "text"), "\r\n\u200f", True, False)
@example(("reviews", 0, "text"), "\n\t\u202e", True, False)
@example(("extra",), "\u2028", False, False)
def test_it_is_refused_just_where_the_slow_oracle_sees_it(
    path: tuple[Any, ...], text: str, escape: bool, capitals: bool
) -> None:
    raw = written(with_string(path, text), escape, capitals)
    verdict = parse(raw, NOW_MS)
    reason = slow_oracle(path, raw)
    assert (verdict.reason if isinstance(verdict, Rejection) else None) == reason
    if isinstance(verdict, Rejection) and reason is Reason.UNPRINTABLE:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)[1:]
        assert verdict.detail.startswith(f"{place}: ")
        assert verdict.detail.isprintable()


def test_each_single_character_is_judged_as_the_list_says() -> None:
    for code in range(0x3000):
        for escape in (True, False):
            raw = written(with_string(("country",), chr(code)), escape, False)
            assert isinstance(parse(raw, NOW_MS), Session) == (code not in BANNED), hex(code)


NAMES = st.sampled_from([*FIELDS, "extra", "\ud800", "a\u202e"])
VALUES = st.recursive(
    WORDS | st.integers(0, NOW_MS) | st.sampled_from(["view", "positive"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["productId", "rating", "page", "timeMs"]) | WORDS, inner)
    ),
    max_leaves=5,
)


@given(st.dictionaries(NAMES, VALUES, max_size=2), st.booleans())
@example({"consent": {"productId": "\ud800"}}, False)
@example({"consent": {"\ud800": None}}, False)
@example({"pages": [{"page": "p", "timeMs": 1, "rating": "\ud800"}]}, True)
def test_any_value_anywhere_is_judged_as_the_chaos_tests_oracle_does(
    changed: dict[str, Any], escape: bool
) -> None:
    raw = written(FIELDS | changed, escape, False)
    verdict, (_, reasons) = parse(raw, NOW_MS), sound(raw, NOW_MS)
    if isinstance(verdict, Rejection):
        assert verdict.reason in reasons
    else:
        assert not reasons - {"beyond_horizon", "unknown_feed"}


@given(
    st.dictionaries(st.sampled_from([*FIELDS, "extra"]), VALUES | st.none() | st.booleans(), max_size=2),
    st.lists(st.integers(NOW_MS - 400_000, NOW_MS + 10), min_size=3, max_size=5),
)
def test_so_are_times_and_messages_of_version_1(changed: dict[str, Any], times_ms: list[int]) -> None:
    for version in (1, 2):
        fields = FIELDS | {"interactionTimesMs": times_ms} | changed | {"schemaVersion": version}
        raw = written(fields, True, False)
        verdict, (_, reasons) = parse(raw, NOW_MS), sound(raw, NOW_MS)
        if isinstance(verdict, Session):
            assert not reasons - {"beyond_horizon", "unknown_feed"}, version
        else:
            assert verdict.reason in reasons, version


REVIEW = FIELDS["reviews"][0]


@given(st.dictionaries(st.sampled_from([*REVIEW, "extra", "\ud800"]), VALUES, max_size=2))
def test_so_is_any_value_in_a_review(changed: dict[str, Any]) -> None:
    raw = written(FIELDS | {"reviews": [REVIEW | changed]}, True, False)
    verdict, (_, reasons) = parse(raw, NOW_MS), sound(raw, NOW_MS)
    assert (not reasons) if isinstance(verdict, Session) else verdict.reason in reasons
