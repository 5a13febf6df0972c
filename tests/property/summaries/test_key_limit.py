"""However many products and categories a session has, it makes few window totals, and none of its
interactions is lost: what is beyond the limit is counted under `other`, as a second implementation does."""

from collections import Counter, defaultdict

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sessions import session_with

from streaming.contract.valid_session import ValidSession
from streaming.summaries.key_limit import OTHER, USUAL, KeyLimit, limited
from streaming.summaries.product import WINDOW_MS, window

FIGURE = {"view": "views", "cart": "carts", "remove_from_cart": "removals", "purchase": "purchases"}
Key = tuple[str, int, str]

words = st.sampled_from(["a", "b", "c", "d", "e", OTHER, "constructor", "Other"])
interactions = st.lists(
    st.tuples(
        words, words, st.integers(0, 500).map(lambda whole: whole / 4), words, st.sampled_from([*FIGURE])
    ),
    max_size=12,
)
limits = st.builds(KeyLimit, products=st.integers(1, 5), categories=st.integers(1, 5))
told = st.lists(
    st.builds(
        lambda of, hour, late: session_with(*of, event_time_ms=hour * WINDOW_MS + 1, late=late),
        interactions,
        st.integers(0, 1),
        st.booleans(),
    ),
    max_size=5,
)


def counted(sessions: list[ValidSession], limit: KeyLimit) -> dict[Key, Counter[str]]:
    """The figures by level, window and subject, one interaction after the other."""
    figures: dict[Key, Counter[str]] = defaultdict(Counter)
    for session in sessions:
        hour = session.event_time_ms // WINDOW_MS * WINDOW_MS
        own: dict[str, list[str]] = {"product": [], "category": []}
        for product, category, price, action in zip(
            session.product_ids,
            session.product_categories,
            session.product_prices,
            session.actions,
            strict=True,
        ):
            for level, subject, most in (
                ("product", product, limit.products),
                ("category", category, limit.categories),
            ):
                if subject not in own[level] and len(own[level]) < most:
                    own[level].append(subject)
                if not session.late:
                    at = figures[level, hour, subject if subject in own[level] else OTHER]
                    at[FIGURE[action]] += 1
                    at["revenue_cents"] += round(price * 100) * (action == "purchase")
    return figures


@settings(max_examples=300, deadline=None)
@given(told, limits)
def test_the_totals_are_those_of_the_oracle(sessions: list[ValidSession], limit: KeyLimit) -> None:
    found = {}
    for activity in window(sessions, limit).values():
        subject = activity.category if activity.product_id is None else activity.product_id
        figures = msgspec.structs.asdict(activity)
        found[activity.level, activity.window_start_ms, subject] = +Counter(
            {name: figures[name] for name in (*FIGURE.values(), "revenue_cents")}
        )
        if activity.product_id == OTHER:
            assert (activity.product_name, activity.category) == (OTHER, OTHER)
    assert found == {at: +figures for at, figures in counted(sessions, limit).items()}


@settings(max_examples=300, deadline=None)
@given(interactions, limits)
def test_a_session_makes_at_most_so_many_totals(
    of: list[tuple[str, str, float, str, str]], limit: KeyLimit
) -> None:
    levels = Counter(activity.level for activity in window([session_with(*of)], limit).values())
    assert levels["product"] <= limit.products + 1
    assert levels["category"] <= limit.categories + 1


@given(st.lists(words, max_size=12), st.integers(1, 12))
def test_what_is_within_the_limit_is_unchanged(names: list[str], at_most: int) -> None:
    found = limited(names, at_most)
    assert [*limited(found, at_most + 1)] == [*found]
    if len(set(names)) <= at_most:
        assert [*found] == names


def test_ten_thousand_new_products_make_a_few_hundred_totals() -> None:
    bomb = session_with(*((f"p{n}", f"n{n}", 1.0, f"c{n}", "purchase") for n in range(10_000)))
    found = window([bomb])
    assert len(found) == USUAL.products + 1 + USUAL.categories + 1
    hour = bomb.event_time_ms // WINDOW_MS * WINDOW_MS
    assert found[f"product:{hour}:{OTHER}"].purchases == 10_000 - USUAL.products
    assert found[f"category:{hour}:{OTHER}"].revenue_cents == (10_000 - USUAL.categories) * 100
