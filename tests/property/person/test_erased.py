"""What is left of an erased session names nobody, and adds the same to window totals as the session did."""

from collections import Counter
from typing import Any
from urllib.parse import quote

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract import erased_session
from streaming.contract import valid_session as stored
from streaming.contract.erased_session import ErasedSession
from streaming.contract.valid_session import StoredSession
from streaming.person.erased import erased
from streaming.person.traces import Traces, folded, traces_of
from streaming.summaries.key_limit import OTHER, KeyLimit
from streaming.summaries.product import ProductActivity, Windows, window

LIMIT = KeyLimit(products=3, categories=2)
HOUR_MS = 3_600_000
# Of letters that no field's name and no word of the tests has in this order.
secrets = st.text("qxzjkvw", min_size=6, max_size=12)
small = st.sampled_from(["a", "b", "c", "d", "e", OTHER])
actions = st.sampled_from(["view", "cart", "remove_from_cart", "purchase"])
prices = st.floats(0, 1e6)


@st.composite
def of_somebody(draw: st.DrawFn) -> StoredSession:
    """A session that says who it is of wherever it can."""
    user, session, name, host = (draw(secrets) for _ in range(4))
    email = f"{user}@{host}.example"
    said = [user, session, name, email, user.upper(), quote(email), f"x{name}y", f"see {email}!"]
    words = st.one_of(small, st.sampled_from(said))
    interactions = draw(st.lists(st.tuples(words, words, prices, words, actions), max_size=8))
    columns = [list(column) for column in zip(*interactions, strict=True)] or [[], [], [], [], []]
    names = ("product_ids", "product_names", "product_prices", "product_categories", "actions")
    told: dict[str, Any] = dict.fromkeys(("country", "city", "state", "referrer", "gender"), draw(words))
    return valid_session(
        user_id=user,
        session_id=session,
        name=name,
        email=email,
        late=draw(st.booleans()),
        event_time_ms=draw(st.integers(946_684_800_000, 946_684_800_000 + 3 * HOUR_MS)),
        raw_partition=draw(st.integers(0, 2)),
        raw_offset=draw(st.integers(0, 1_000)),
        **told,
        **dict(zip(names, columns, strict=True)),
    )


def masks_nothing(session: StoredSession) -> StoredSession:
    """The same session of somebody whose words occur in no product."""
    other = valid_session(user_id="nobody known", session_id="nobody's", name="", email="")
    return replace(
        session,
        identity=other.identity,
        user_pseudonym=other.user_pseudonym,
        session_pseudonym=other.session_pseudonym,
    )


@given(of_somebody())
def test_nothing_of_a_person_is_left(session: StoredSession) -> None:
    left = erased_session.encode(erased(session, LIMIT, Traces())).decode()
    who = session.identity
    known = (who.user_id, who.session_id, who.name, who.email, quote(who.email))
    for trace in (*known, session.user_pseudonym, session.session_pseudonym):
        assert trace not in left
        assert folded(trace) not in folded(left)


@given(of_somebody(), of_somebody())
def test_nor_of_what_other_sessions_say_of_them(session: StoredSession, other: StoredSession) -> None:
    within = replace(session, product_ids=[other.identity.email for _ in session.product_ids])
    left = erased_session.encode(erased(within, LIMIT, traces_of(other))).decode()
    assert other.identity.email not in left


@given(st.lists(of_somebody(), max_size=6), st.data())
def test_window_totals_stay_the_same(sessions: list[StoredSession], data: st.DataObject) -> None:
    """Whoever is erased; the totals of the sessions are the oracle."""
    plain = [masks_nothing(session) for session in sessions]
    gone = data.draw(st.sets(st.integers(0, max(0, len(plain) - 1))))
    mixed = [erased(one, LIMIT, Traces()) if at in gone else one for at, one in enumerate(plain)]
    assert window(mixed, LIMIT) == window(plain, LIMIT)


@given(st.lists(of_somebody(), max_size=6))
def test_where_words_name_somebody_only_the_words_change(sessions: list[StoredSession]) -> None:
    before, after = window(sessions, LIMIT), window([erased(one, LIMIT, Traces()) for one in sessions], LIMIT)
    assert _sums(before.values()) == _sums(after.values())


def _sums(totals: Any) -> Counter[tuple[str, int, str]]:
    found: Counter[tuple[str, int, str]] = Counter()
    one: ProductActivity
    for one in totals:
        for field in ("views", "carts", "removals", "purchases", "revenue_cents"):
            found[one.level, one.window_start_ms, field] += getattr(one, field)
    return +found


@given(of_somebody())
def test_it_is_read_back_by_every_reader_and_never_for_a_session(session: StoredSession) -> None:
    left = erased(session, LIMIT, Traces())
    value = erased_session.encode(left)
    for read in (stored.decode, stored.decode_stored, stored.try_decode):
        assert read(value, PSEUDONYMS) == left
    assert erased_session.try_decode(stored.encode(session)) is None
    assert msgspec.convert(msgspec.to_builtins(left), ErasedSession) == left


@given(of_somebody())
def test_its_name_follows_from_the_raw_position_alone(session: StoredSession) -> None:
    """So that an erasure which was killed ends the same, and two messages have two names."""
    left = erased(session, LIMIT, Traces())
    assert left.session_pseudonym == erased(masks_nothing(session), LIMIT, Traces()).session_pseudonym
    moved = replace(session, raw_offset=session.raw_offset + 1)
    assert left.session_pseudonym != erased(moved, LIMIT, Traces()).session_pseudonym


def test_what_was_counted_together_stays_together() -> None:
    """Sums of one batch, as the Flink job makes them."""
    one = masks_nothing(
        valid_session(
            product_ids=["p", "p"],
            product_names=["P", "P"],
            product_prices=[1.005, 2.0],
            product_categories=["c", "c"],
            actions=["purchase", "purchase"],
        )
    )
    windows = Windows(LIMIT)
    windows.add(one)
    windows.add(erased(one, LIMIT, Traces()))
    (product, category) = windows.activities().values()
    assert (product.purchases, product.revenue_cents) == (4, 2 * (100 + 200))
    assert (category.purchases, category.revenue_cents) == (4, 2 * (100 + 200))
