"""The summary of one session: user and origin, interactions, funnel step and revenue. Pure.

Dashboards make a row of each word in it, and a visitor chooses words. So each is that of a list, or `other`.
"""

from typing import Literal

from msgspec import Struct

from streaming.contract.interactions import cart_value_cents, cents, top_category
from streaming.contract.session import Action
from streaming.contract.valid_session import UserKind, ValidSession
from streaming.words.lists import Words

FunnelStep = Literal["browse", "view", "cart", "purchase"]


class SessionSummary(Struct, frozen=True, rename="camel", kw_only=True):
    """A document of `session_summaries`, keyed by session pseudonym: without ids, name, e-mail address,
    city or text."""

    session_pseudonym: str
    user_pseudonym: str
    user_kind: UserKind
    feed: str
    late: bool
    event_time_ms: int
    arrived_at_ms: int

    session_duration_s: float
    page_views: int
    clicks: int

    viewed: int
    carted: int
    removed: int
    purchased: int
    """These four count interactions; a product may be counted several times."""
    distinct_products: int
    top_category: str | None
    """The category with most interactions, the first in code point order if several have as many; None
    without interactions. As sent: no dashboard makes rows of it."""
    key_activities: list[Action]
    """The distinct actions in the order of their first occurrences."""
    funnel_step: FunnelStep

    purchase_made: bool
    amount_spent_cents: int
    cart_value_cents: int
    """The prices of products put into the cart minus those of products removed, at least 0."""
    payment_method_type: str | None
    review_count: int

    gender: str
    """This and the words down to the country are those of lists, as is the payment method."""
    device_type: str
    operating_system: str
    browser_type: str
    referrer: str
    country: str
    state: str
    """As sent: no dashboard makes rows of it. The city is left out, because it singles out too many."""


def summarise(session: ValidSession, words: Words) -> SessionSummary:
    """Returns the document of `session` in `session_summaries`, with the words of the lists `words`."""
    keys = words.key_words(session.country, session.device_type, session.referrer)
    payment = session.payment_method_type
    actions = session.actions
    viewed = actions.count("view")
    carted = actions.count("cart")
    removed = actions.count("remove_from_cart")
    purchased = actions.count("purchase")
    return SessionSummary(
        session_pseudonym=session.session_pseudonym,
        user_pseudonym=session.user_pseudonym,
        user_kind=session.user_kind,
        feed=session.feed,
        late=session.late,
        event_time_ms=session.event_time_ms,
        arrived_at_ms=session.arrived_at_ms,
        session_duration_s=session.session_duration,
        page_views=session.page_views,
        clicks=session.clicks,
        viewed=viewed,
        carted=carted,
        removed=removed,
        purchased=purchased,
        distinct_products=len(set(session.product_ids)),
        top_category=top_category(session.product_categories)[0],
        key_activities=list(dict.fromkeys(actions)),
        funnel_step=(
            "purchase"
            if purchased or session.purchase_made
            else "cart"
            if carted or removed
            else "view"
            if viewed
            else "browse"
        ),
        purchase_made=session.purchase_made,
        amount_spent_cents=cents(session.amount_spent),
        cart_value_cents=cart_value_cents(actions, session.product_prices) if carted else 0,
        payment_method_type=None if payment is None else words.payments.bounded(payment),
        review_count=len(session.reviews),
        gender=words.genders.bounded(session.gender),
        device_type=keys.device,
        operating_system=words.systems.bounded(session.operating_system),
        browser_type=words.browsers.bounded(session.browser_type),
        referrer=keys.referrer,
        country=keys.country,
        state=session.state,
    )
