"""Lines of JSON: which fields are filled in, and what stays unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest

from streaming.contract.feeds import ImportKeys
from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.file_import.assignment import SETTABLE, AssignmentError, check
from streaming.file_import.json_lines import outgoing

GOLDEN = (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_bytes()
FIELDS: dict[str, Any] = json.loads(GOLDEN)
FEED = "import-abc"


def sent(line: bytes, **assigned: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(outgoing(line, FEED, assigned).value)
    return fields


def test_a_session_gets_the_feed_of_the_import() -> None:
    message = outgoing(GOLDEN, FEED, {})
    assert message.key == b"u1-000007"
    assert json.loads(message.value) == FIELDS | {"feed": FEED}
    parsed, original = parse(message.value, FIELDS["eventTimeMs"]), parse(GOLDEN, FIELDS["eventTimeMs"])
    assert isinstance(parsed, Session)
    assert isinstance(original, Session)
    assert parsed.product_prices == original.product_prices


def test_a_session_of_another_import_keeps_its_feed() -> None:
    line = GOLDEN.replace(b'"live"', b'"import-old"')
    assert outgoing(line, FEED, {}) == (b"u1-000007", line)
    own = ImportKeys(("key",))
    line = GOLDEN.replace(b'"live"', f'"{own.feed("0123456789ab")}"'.encode())
    assert outgoing(line, FEED, {}, own) == (b"u1-000007", line)


@pytest.mark.parametrize("feed", ["import-0123456789ab", ImportKeys(("another",)).feed("0123456789ab")])
def test_a_session_of_an_import_that_the_gate_would_not_know_gets_this_ones_feed(feed: str) -> None:
    line = GOLDEN.replace(b'"live"', f'"{feed}"'.encode())
    assert json.loads(outgoing(line, FEED, {}, ImportKeys(("key",))).value) == FIELDS | {"feed": FEED}


def test_only_absent_and_unknown_fields_are_filled() -> None:
    line = json.dumps({"deviceType": "Unknown", "referrer": "Google", "country": None, "gender": ""}).encode()
    filled = sent(line, deviceType="desktop", referrer="Direct", country="Peru", gender="other", city="Lima")
    assert filled == {
        "deviceType": "desktop", "referrer": "Google", "country": None, "gender": "",
        "city": "Lima", "feed": FEED,
    }  # fmt: skip


def test_all_other_values_keep_their_bytes() -> None:
    line = b'{"userId":"u","clicks":1.50e1,"extra":{"a" :[ 1 ]},"amountSpent":1234567890123.10,"feed":"x"}'
    value = outgoing(line, FEED, {"city": "Lima"}).value
    for kept in (b"1.50e1", b"1234567890123.10", b'"extra":{"a" :[ 1 ]}'):
        assert kept in value


@pytest.mark.parametrize(
    "line",
    [
        b"", b"not json", GOLDEN[:-1], b"[1]", b'"x"', b"\xff", GOLDEN.replace(b"Zo", b"\xff"),
        GOLDEN.replace(b"312.4", b"NaN"), b'{"userId":"u","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        b'{"userId":"\\ud800"}', b'{"\xed\xa0\x80":1}',
    ],
    ids=lambda line: repr(line[:20]),
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_sent_unchanged(line: bytes) -> None:
    assert outgoing(line, FEED, {"city": "Lima"}) == (None, line)


@pytest.mark.parametrize("user_id", [b"7", b"null", b'""', b"[]", b'{"a":1}'])
def test_a_user_id_that_is_not_a_string_gives_no_key(user_id: bytes) -> None:
    assert outgoing(b'{"userId":' + user_id + b"}", FEED, {}).key is None


def test_settable_fields() -> None:
    assert set(SETTABLE) == {
        "gender", "deviceType", "operatingSystem", "browserType", "paymentMethodType", "referrer", "country",
        "state", "city", "zipCode",
    }  # fmt: skip
    check(dict.fromkeys(SETTABLE, "x"))
    check({})
    for wrong in ("userId", "sessionId", "feed", "device_type", "clicks", "name", ""):
        with pytest.raises(AssignmentError, match=r"deviceType, .*referrer"):
            check({wrong: "x"})
    for value in ("", "x" * 129):
        with pytest.raises(AssignmentError, match="1 to 128"):
            check({"city": value})
