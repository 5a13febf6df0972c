"""What happened to each product and each category within an hour of event time.

`merge` is associative and commutative within one key: however sessions are ordered or grouped, the totals
come out alike. So Flink may write running totals as they grow, and `window`, over the sessions in MongoDB, is
the exact oracle of what Elasticsearch must hold.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from streaming.events.contract import Action
from streaming.events.valid import ValidSession
from streaming.summaries.keys import bounded
from streaming.summaries.session import cents

WINDOW_MS = 3_600_000

Level = Literal["product", "category"]


class ProductActivity(Struct, frozen=True, rename="camel", kw_only=True):
    """A document of `product_activity`: one product or category in [windowStartMs, windowEndMs)."""

    level: Level
    window_start_ms: int
    window_end_ms: int
    product_id: str | None
    """None for a category."""
    product_name: str | None
    """The first in code point order of the names seen, whatever order they came in; None for a category."""
    category: str
    """For a product likewise the first of those seen."""
    views: int
    carts: int
    removals: int
    purchases: int
    revenue_cents: int
    """The prices of the purchases."""


_COUNTER_OF: dict[Action, int] = {"view": 0, "cart": 1, "remove_from_cart": 2, "purchase": 3}
_REVENUE = 4


def key(activity: ProductActivity) -> str:
    """`<level>:<windowStartMs>:<product id or category>`, bounded."""
    subject = activity.category if activity.product_id is None else activity.product_id
    return bounded(f"{activity.level}:{activity.window_start_ms}:{subject}")


def contributions(session: ValidSession) -> list[ProductActivity]:
    """What `session` adds to its window, one part a product and a category; nothing if it was late."""
    if session.late or not session.actions:
        return []
    products: dict[str, list[int]] = {}
    categories: dict[str, list[int]] = {}
    labels: dict[str, tuple[str, str]] = {}
    for product_id, name, price, category, action in zip(
        session.product_ids,
        session.product_names,
        session.product_prices,
        session.product_categories,
        session.actions,
        strict=True,
    ):
        of_product = products.get(product_id)
        if of_product is None:
            of_product = products[product_id] = [0, 0, 0, 0, 0]
            labels[product_id] = name, category
        elif labels[product_id] != (name, category):
            seen_name, seen_category = labels[product_id]
            labels[product_id] = min(seen_name, name), min(seen_category, category)
        of_category = categories.get(category)
        if of_category is None:
            of_category = categories[category] = [0, 0, 0, 0, 0]
        counter = _COUNTER_OF[action]
        of_product[counter] += 1
        of_category[counter] += 1
        if action == "purchase":
            paid = cents(price)
            of_product[_REVENUE] += paid
            of_category[_REVENUE] += paid
    start = session.event_time_ms - session.event_time_ms % WINDOW_MS
    return [
        *(_activity("product", start, product, *labels[product], sums) for product, sums in products.items()),
        *(_activity("category", start, None, None, category, sums) for category, sums in categories.items()),
    ]


def _activity(
    level: Level, start: int, product_id: str | None, name: str | None, category: str, sums: list[int]
) -> ProductActivity:
    views, carts, removals, purchases, revenue_cents = sums
    return ProductActivity(
        level=level,
        window_start_ms=start,
        window_end_ms=start + WINDOW_MS,
        product_id=product_id,
        product_name=name,
        category=category,
        views=views,
        carts=carts,
        removals=removals,
        purchases=purchases,
        revenue_cents=revenue_cents,
    )


def merge(a: ProductActivity, b: ProductActivity) -> ProductActivity:
    """The totals of two parts of the same key."""
    return ProductActivity(
        level=a.level,
        window_start_ms=a.window_start_ms,
        window_end_ms=a.window_end_ms,
        product_id=a.product_id,
        product_name=min(a.product_name, b.product_name)
        if a.product_name is not None and b.product_name is not None
        else None,
        category=min(a.category, b.category),
        views=a.views + b.views,
        carts=a.carts + b.carts,
        removals=a.removals + b.removals,
        purchases=a.purchases + b.purchases,
        revenue_cents=a.revenue_cents + b.revenue_cents,
    )


def window(sessions: Iterable[ValidSession]) -> dict[str, ProductActivity]:
    """Every window that `sessions` (each once) make, by document id: what `product_activity` must hold."""
    totals: dict[str, ProductActivity] = {}
    for session in sessions:
        for part in contributions(session):
            of = key(part)
            total = totals.get(of)
            totals[of] = part if total is None else merge(total, part)
    return totals
