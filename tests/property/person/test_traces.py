"""A message that names a person is found, however it is written; one of somebody else is not."""

import json
import sys
import time
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, session

from streaming.person.traces import Persons, Traces, folded, is_combining

letters = st.text("abcdefghijklmnop", min_size=5, max_size=12)
ids = st.one_of(letters, st.text("0123456789", min_size=1, max_size=9), st.sampled_from(["u1", "ä é", "a/b"]))
around = st.text(st.sampled_from(' {}[]:,"\\&=?\n<>()'), max_size=6)


def persons(user_id: str, *emails: str) -> Persons:
    known = Traces(found_by=frozenset({user_id, *emails}))
    return Persons(PSEUDONYMS, {PSEUDONYMS.user(user_id): known})


def escaped_u(text: str) -> str:
    return "".join(f"\\u{ord(one):04x}" for one in text)


def escaped_percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


WAYS = (
    str,
    str.upper,
    escaped_u,
    escaped_percent,
    quote,
    lambda text: escaped_u(escaped_percent(text)),
    lambda text: json.dumps(json.dumps(text)),
)


@given(ids)
def test_whose_key_it_is(user_id: str) -> None:
    found = persons(user_id).in_message(user_id.encode(), b"no JSON")
    assert found == {PSEUDONYMS.user(user_id)}


@given(ids, st.booleans())
def test_whose_id_it_has(user_id: str, cut: bool) -> None:
    """Also as a number, and in a message that is cut off: those are often rejected."""
    fields = msgspec.to_builtins(session(user_id=user_id)) | {"clicks": "many"}
    value = msgspec.json.encode({"userId": user_id, **fields})
    assert persons(user_id).in_message(None, value[:-1] if cut else value) == {PSEUDONYMS.user(user_id)}
    if user_id.isdecimal() and not user_id.startswith("0"):
        number = b'{"userId": %s, "clicks": 3' % user_id.encode() + (b"" if cut else b"}")
        assert persons(user_id).in_message(None, number) == {PSEUDONYMS.user(user_id)}


@given(letters, letters, st.sampled_from(WAYS), around, around)
def test_an_address_is_found_anywhere(name: str, host: str, way: object, before: str, after: str) -> None:
    email = f"{name}@{host}.example"
    written = way(email)  # type: ignore[operator]
    of = persons("some user", email)
    whose = {PSEUDONYMS.user("some user")}
    assert of.in_message(None, f"{before}{written}{after}".encode()) == whose
    in_json = json.dumps({"referrer": f"https://shop.example/?m={written}&n=3"})
    assert of.in_message(None, in_json.encode()) == whose
    assert of.in_message(None, email.encode("utf-16")) == whose
    assert of.in_message(None, b"\xff " + email.encode()) == whose


@given(st.sets(ids, min_size=2, max_size=8))
def test_nobody_is_taken_for_somebody_else(users: set[str]) -> None:
    first, *others = sorted(users)
    # An id that is also a word of any visit cannot be told from it.
    assume(folded(first) not in folded(msgspec.json.encode(session(user_id="-")).decode()))
    of = persons(first, f"{first}@a.example")
    for other in others:
        if folded(other) == folded(first):
            continue
        fields = msgspec.to_builtins(session(user_id=other, email=f"{other}@b.example", session_id="one"))
        assert of.in_message(other.encode(), msgspec.json.encode(fields)) == set()


parts = st.sampled_from(
    [
        "&#",
        "&#x",
        "9" * 5_000,
        "0" * 5_000,
        "%",
        "\\u",
        "\\",
        "d83d",
        "é",
        "\u0301",
        ";",
        '"',
        "'",
        '{"userId":',
        "}",
    ]
)


@given(st.binary(max_size=60), st.one_of(st.binary(max_size=60), st.lists(parts, max_size=8).map("".join)))
@example(b"&#" + b"9" * 5_000, "&#" + "9" * 5_000)
@example(b"", '{"userId":' + "9" * 5_000 + "}")
@example(b"", '{"userId":"\\ud83d"}')
def test_any_bytes_can_be_looked_at(key: bytes, value: bytes | str) -> None:
    """One message that cannot would stop every erasure."""
    sent = value.encode() if isinstance(value, str) else value
    persons("somebody", "somebody@a.example").in_message(key, sent)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_character_is_read_however_many_zeros_its_number_has(decimal: int, hexadecimal: int) -> None:
    written = f"an&#{'0' * decimal}110;&#x{'0' * hexadecimal}40;example.org"
    assert persons("some user", "ann@example.org").in_message(None, written.encode())


@pytest.mark.parametrize("unit", ["\u0316\u0301", "\u0f73", "\uff9e\u0316"])
def test_marks_without_a_letter_take_no_longer_than_letters(unit: str) -> None:
    """Sorted whole, these would take an hour."""
    began_s = time.monotonic()
    folded("e" + unit * 500_000)
    assert time.monotonic() - began_s < 60


def test_no_character_that_combines_is_beyond_those_that_are_cut() -> None:
    assert not any(map(is_combining, map(chr, range(0x20000, sys.maxunicode + 1))))
    assert folded("e" + "\u0301" * 99) == folded("e" + "\u0301" * 31)
    assert folded("A\u0308") == "ä"


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_an_id_that_is_a_word_of_every_message_takes_nobody_elses(cut: int) -> None:
    of = persons("desktop", "ann@example.org")
    whose = {PSEUDONYMS.user("desktop")}
    theirs = msgspec.json.encode(msgspec.to_builtins(session(user_id="desktop", device_type="mobile")))
    others = msgspec.json.encode(
        msgspec.to_builtins(session(user_id="other", device_type="desktop", browser_type="Desktop"))
    )
    assert of.look(b"k", theirs[: len(theirs) - cut]).own == whose
    assert of.in_message(b"k", others[: len(others) - cut]) == set()
    assert of.in_message(b"k", b'{"deviceType":"desktop"}') == whose  # which says of nobody whose it is


@pytest.mark.parametrize("field", ["referrer", "note"])
@pytest.mark.parametrize("cut", [0, 1])
def test_a_message_of_somebody_else_that_names_a_person_is_not_theirs(field: str, cut: int) -> None:
    of = persons("some user", "ann@example.org")
    value = json.dumps({"userId": "other", field: "x?mail=ann%40example.org", "a": 1}).encode()
    named = of.look(b"k", value[: len(value) - cut])
    assert named.persons == {PSEUDONYMS.user("some user")}
    assert named.own == set()
    alone = json.dumps({field: "ann@example.org"}).encode()
    assert of.look(b"k", alone).own == {PSEUDONYMS.user("some user")}


@pytest.mark.parametrize("before", ['"a":"",', '"n":"O\'Brien",', "'a':'',", '"",'])
def test_an_empty_string_or_an_apostrophe_hides_no_string(before: str) -> None:
    of = Persons(PSEUDONYMS, {PSEUDONYMS.user("ann of 7"): Traces()})
    assert of.in_message(None, (f'{{{before}"b":"ann of 7","c').encode())
    assert of.in_message(None, (f"{{{before}'b':'ann of 7','c").encode())


def test_an_address_within_another_is_not_it() -> None:
    of = persons("some user", "ann@example.org")
    for other in ("joann@example.org", "ann@example.organic", "ann@example"):
        assert of.in_message(None, other.encode()) == set()


@pytest.mark.parametrize("user", ["u1", "user-1", "12345678", "7"])
def test_who_is_known_by_pseudonym_alone_is_found_by_a_whole_string(user: str) -> None:
    of = Persons(PSEUDONYMS, {PSEUDONYMS.user(user): Traces()})
    for value in ('{"userId":"%s"}', '{"userId":"%s"', '[{"user_id":["%s"]}]', "userId: %s"):
        assert of.in_message(None, (value % user).encode()) == {PSEUDONYMS.user(user)}
    assert of.in_message(None, b'{"userId":"%s2"}' % user.encode()) == set()
    elsewhere = of.in_message(None, b'{"a":{"b":["\\u00%x%s"]}}' % (ord(user[0]), user[1:].encode()))
    assert bool(elsewhere) == (len(user) > 2)


def test_a_product_of_the_same_short_number_is_nobodys() -> None:
    of = persons("13", "ann@example.org")
    fields = msgspec.to_builtins(session(user_id="u", product_ids=["13", "4711"])) | {"clicks": 13}
    assert of.in_message(b"u", msgspec.json.encode(fields)) == set()
    assert of.in_message(b"u", msgspec.json.encode(fields)[:-1]) == set()
    assert of.in_message(b"13", b"") == {PSEUDONYMS.user("13")}
