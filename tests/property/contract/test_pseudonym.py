"""Pseudonyms: as the standard library's keyed BLAKE2s makes them, one to one, and with nothing of the ids in
them."""

from hashlib import blake2s

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streaming.contract.pseudonym import Pseudonyms

KEY = "a key of twenty characters"
OURS, OTHERS = Pseudonyms(KEY), Pseudonyms(KEY + ".")
IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=128)


def slow(person: bytes, data: bytes) -> str:
    """Straight from the definition, without a copied state."""
    secret = blake2s(KEY.encode(), person=b"macs").digest()
    return blake2s(data, key=secret, person=person, digest_size=16).hexdigest()


@given(IDS, IDS)
def test_they_are_keyed_digests_of_the_user_and_of_both(user: str, session: str) -> None:
    of_user, of_session = OURS.both(user, session)
    assert of_user == OURS.user(user) == slow(b"user", user.encode())
    assert of_session == slow(b"session", bytes.fromhex(of_user) + session.encode())


@given(st.lists(st.tuples(IDS, IDS), min_size=2, max_size=2, unique=True))
@example([("ab", "c"), ("a", "bc")])
@example([("a", "s"), ("b", "s")])
def test_no_two_visits_have_the_same(visits: list[tuple[str, str]]) -> None:
    (user, session), (other_user, other_session) = (OURS.both(*visit) for visit in visits)
    assert session != other_session
    assert (user == other_user) == (visits[0][0] == visits[1][0])
    assert {user, other_user}.isdisjoint({session, other_session})


@given(IDS, IDS)
def test_another_key_makes_others(user: str, session: str) -> None:
    assert set(OURS.both(user, session)).isdisjoint(OTHERS.both(user, session))
    assert OURS.key_id != OTHERS.key_id


@given(st.text(min_size=4, max_size=40).filter(lambda text: not set(text) <= set("0123456789abcdef")))
def test_they_hold_nothing_of_an_id(id_: str) -> None:
    user, session = OURS.both(id_, id_)
    assert id_ not in user + session
    assert len(user) == len(session) == 32


def test_a_short_key_is_refused_and_a_key_is_never_shown() -> None:
    with pytest.raises(ValueError, match="at least 20 characters") as refused:
        Pseudonyms("hunter2")
    assert "hunter2" not in str(refused.value)
    assert KEY not in f"{OURS!r} {OURS.key_id}"
