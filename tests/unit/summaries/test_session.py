"""The summary of a session, field by field."""

import msgspec
import pytest
from support.sessions import session_with

from streaming.contract.interactions import cents
from streaming.contract.valid_session import ValidSession
from streaming.summaries.session import SessionSummary, summarise
from streaming.words.lists import Words

SOFA = ("p1", "Sofa", 499.99, "sofas")
LAMP = ("p2", "Lamp", 20.0, "lamps")
WORDS = Words()


def summarised(session: ValidSession) -> SessionSummary:
    return summarise(session, WORDS)


def test_counts_interactions_not_products() -> None:
    summary = summarised(session_with((*SOFA, "view"), (*SOFA, "view"), (*LAMP, "view"), (*LAMP, "cart")))
    assert (summary.viewed, summary.carted, summary.removed, summary.purchased) == (3, 1, 0, 0)
    assert summary.distinct_products == 2


def test_key_activities_are_in_the_order_of_their_first_occurrences() -> None:
    summary = summarised(session_with((*LAMP, "cart"), (*SOFA, "view"), (*LAMP, "cart"), (*LAMP, "purchase")))
    assert summary.key_activities == ["cart", "view", "purchase"]


def test_top_category_has_most_interactions_and_is_the_first_among_equals() -> None:
    assert summarised(session_with((*SOFA, "view"), (*LAMP, "view"))).top_category == "lamps"
    assert summarised(session_with((*SOFA, "view"), (*SOFA, "view"), (*LAMP, "view"))).top_category == "sofas"
    assert summarised(session_with()).top_category is None


@pytest.mark.parametrize(
    ("actions", "step"),
    [
        ([], "browse"),
        (["view"], "view"),
        (["view", "cart"], "cart"),
        (["remove_from_cart"], "cart"),
        (["purchase", "view"], "purchase"),
    ],
)
def test_funnel_step_is_the_furthest_reached(actions: list[str], step: str) -> None:
    assert summarised(session_with(*((*SOFA, action) for action in actions))).funnel_step == step


def test_a_purchase_without_interactions_counts_as_purchase() -> None:
    assert summarised(session_with(purchase_made=True, amount_spent=5.25)).funnel_step == "purchase"


def test_cart_value_is_added_minus_removed_and_never_negative() -> None:
    assert (
        summarised(
            session_with((*SOFA, "cart"), (*LAMP, "cart"), (*LAMP, "remove_from_cart"))
        ).cart_value_cents
        == 49999
    )
    assert summarised(session_with((*LAMP, "cart"), (*SOFA, "remove_from_cart"))).cart_value_cents == 0


def test_cents_are_half_even() -> None:
    assert [cents(amount) for amount in (0.125, 0.375, 19.99, 1e9)] == [12, 38, 1999, 10**11]


def test_contains_lateness_and_nothing_personal() -> None:
    whole = session_with((*SOFA, "view"), late=True)
    document = msgspec.json.encode(summarised(whole)).decode()
    assert '"late":true' in document
    for private in msgspec.structs.astuple(whole.identity):
        assert f'"{private}"' not in document
    assert '"city"' not in document
