"""A message that names a person is found, however it is written; one of somebody else is not."""

import json
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, session

from streaming.person.traces import Persons, Traces, folded

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


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_can_be_looked_at(key: bytes, value: bytes) -> None:
    persons("somebody", "somebody@a.example").in_message(key, value)


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
