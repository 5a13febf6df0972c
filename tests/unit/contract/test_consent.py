"""What a message or its source says of consent, and who refuses."""

import json

import pytest
from support.sessions import ENDED_AT_MS, raw_value

from streaming.contract.consent import ALL_AGREED, REFUSALS, Sources, refused_by
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import MAX_MESSAGE_BYTES, Consent

NO, YES, SILENT = Consent(analytics=False), Consent(analytics=True), Consent(training=False)
IMPORT = f"import-{'0' * 12}-{'0' * 24}"
REFUSED = raw_value(consent=NO)


def who(value: bytes | None, **by_feed: Consent) -> str | None:
    return refused_by(parse(value, ENDED_AT_MS), value, Sources(by_feed))


@pytest.mark.parametrize(
    ("consent", "setting", "expected"),
    [
        (None, YES, None),
        (None, NO, "source"),
        (SILENT, YES, None),
        (SILENT, NO, "source"),
        (YES, NO, None),
        (NO, YES, "session"),
        (NO, NO, "session"),
        (None, SILENT, None),
    ],
)
@pytest.mark.parametrize("broken", [False, True])
def test_a_session_answers_itself_and_otherwise_its_source(
    consent: Consent | None, setting: Consent, expected: str | None, broken: bool
) -> None:
    value = raw_value(consent=consent, device_type="unknown" if broken else "mobile")
    assert isinstance(parse(value, ENDED_AT_MS), Rejection) == broken
    assert who(value, live=setting) == expected


def test_no_setting_refuses_nobody() -> None:
    assert ALL_AGREED.agree("analytics", "any feed", None)
    assert who(raw_value()) is None


@pytest.mark.parametrize(
    ("feed", "by_feed", "agrees"),
    [
        ("live", {"import": NO}, True),
        (IMPORT, {"import": NO}, False),
        (IMPORT, {"import": NO, IMPORT: YES}, True),
        (IMPORT, {"live": NO}, True),
        ("import", {"import": NO}, False),
        ("partner", {"partner": NO}, False),
        ("partner", {"live": NO, "import": NO}, True),
    ],
)
def test_a_source_is_a_feed_and_imports_have_one_name_together(
    feed: str, by_feed: dict[str, Consent], agrees: bool
) -> None:
    assert Sources(by_feed).agree("analytics", feed, None) is agrees
    assert Sources(by_feed).agree("training", feed, None), "no other purpose is refused with it"


UNREADABLE = {
    "cut off": REFUSED[:-20],
    "two texts": REFUSED * 2,
    "not UTF-8": REFUSED.replace(b'"name":"', b'"name":"\xff'),
    "not a number": REFUSED.replace(b'"clicks":7', b'"clicks":NaN'),
    "half a pair": REFUSED.replace(b'"name":"', rb'"name":"\ud83d'),
    "half a pair as feed": REFUSED.replace(b'"live"', rb'"\ud83d"'),
    "not a number in consent": REFUSED.replace(b'"personalisation":null', b'"personalisation":NaN'),
    "too deep": b'{"extra":' + b"[" * 200 + b"]" * 200 + b"," + REFUSED[1:],
    "deeper than any stack": b'{"extra":' + b"[" * 100_000 + b"," + REFUSED[1:],
    "too large": REFUSED[:-1] + b',"extra":"' + b"x" * MAX_MESSAGE_BYTES + b'"}',
    "name written otherwise": REFUSED.replace(b'"consent"', rb'"\u0063onsent"').replace(
        b'"clicks":7', b'"clicks":""'
    ),
    "with spaces": REFUSED.replace(
        b'"consent":{"analytics":false', b'"consent" :\n { "training":null, "analytics" : false'
    )[:-1],
    "another version": REFUSED.replace(b'"schemaVersion":2', b'"schemaVersion":9'),
    "no version": REFUSED.replace(b'"schemaVersion":2', b'"version":2'),
    "nothing else": b'{"consent":{"analytics":false}}',
    "a word": b'{"consent":{"analytics":"no"}}',
    "a number": b'{"consent":{"analytics":0}}',
    "one": b'{"consent":{"analytics":1}}',
    "another type": b'{"consent":{"analytics":[]}}',
    "at all": b'{"consent":false}',
    "at all, cut off": b'{"consent" : false, "clicks"',
    "a word, cut off": b'{"consent":{"training":true, "analytics" : "no"',
    "a longer word": b'{"consent":{"analytics":false_"',
    "no word": b'{"consent":{"analytics":truest',
    "a number, not UTF-8": b'{"consent":{"analytics":0},"name":"\xff"}',
}


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
def test_a_refusal_is_read_in_what_breaks_the_contract(value: bytes) -> None:
    assert isinstance(parse(value, ENDED_AT_MS), Rejection)
    assert who(value) == "session"


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"[]",
        b"\xff",
        b"false",
        b'{"consent":null}',
        b'{"consent":{"analytics":null}}',
        b'{"consent":{"analytics":null',
        b'{"consent":{"analytics":',
        b'{"consent":falsehood',
        b'{"consent":{"analytics":true,"analytics":true',
        b'{"consent":{"training":false}}',
        b'{"consent":{},"analytics":false}',
        b'{"consent":{"analytics":true',
        rb'"{\"consent\":{\"analytics\":false}}',
    ],
)
def test_what_is_no_refusal(value: bytes | None) -> None:
    assert who(value) is None


@pytest.mark.parametrize("broken", [False, True])
def test_in_version_1_the_field_means_nothing(broken: bool) -> None:
    fields = json.loads(REFUSED) | {"schemaVersion": 1} | ({"clicks": -1} if broken else {})
    value = json.dumps(fields).encode()
    assert isinstance(parse(value, ENDED_AT_MS), Rejection) == broken
    assert who(value) is None
    assert who(value, live=NO) == "source"


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (b'{"feed":"partner"', True),
        (b'{"feed":"partner","clicks":-1}', True),
        (b'{"feed":"partner","consent":{"analytics":true}', False),
        (b'{"feed":7}', False),
        (b'{"feed":"partner","clicks":NaN}', True),
        (b'{"feed":"partner","name":"\xff"}', True),
        (b"nothing of a feed", False),
    ],
)
def test_the_feed_is_read_as_far_as_it_can_be(value: bytes, refused: bool) -> None:
    assert who(value, partner=NO) == ("source" if refused else None)


def test_time_is_linear_in_the_length_of_what_cannot_be_read() -> None:
    """Each of these would take minutes if a pattern tried again from each of its places."""
    for part in (
        b'"consent":{',
        b'"consent":{"analytics"' + b" " * 50,
        b'"consent"' + b" " * 50,
        b'"feed":"',
    ):
        assert who(part * (1_000_000 // len(part))) is None


def test_the_rejection_says_who_and_nothing_of_the_message() -> None:
    for by, rejection in REFUSALS.items():
        assert (rejection.reason, rejection.refused_by) == (Reason.NO_CONSENT, by)
        assert rejection.keeps_nothing
    assert not Rejection(Reason.DUPLICATE, "").keeps_nothing
