"""Window aggregates: counts and sums of each product and category in an hour of event time. Pure.

`merge` is associative and commutative within one key: the totals do not depend on how sessions are ordered or
grouped. So Flink may write running totals, and `window` computes from the sessions in MongoDB exactly what
Elasticsearch must contain.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Literal

from msgspec import Struct

from streaming.contract.erased_session import Amount, ErasedSession
from streaming.contract.interactions import cents
from streaming.contract.session import Action
from streaming.contract.time_units import HOUR_MS
from streaming.contract.valid_session import ValidSession
from streaming.summaries.key_limit import OTHER, USUAL, KeyLimit, limited
from streaming.summaries.keys import bounded

WINDOW_MS = HOUR_MS

Level = Literal["product", "category"]

AMOUNT_OF: Mapping[Action, str] = {
    "view": "views",
    "cart": "carts",
    "remove_from_cart": "removals",
    "purchase": "purchases",
}
"""The field of an Amount that counts each action."""


class ProductActivity(Struct, frozen=True, rename="camel", kw_only=True):
    """A document of `product_activity`: one product or category in [windowStartMs, windowEndMs)."""

    level: Level
    window_start_ms: int
    window_end_ms: int
    product_id: str | None
    """None for a category."""
    product_name: str | None
    """The first in code point order of the product's names, which does not depend on the order of sessions;
    None for a category."""
    category: str
    """For a product, likewise the first of its categories."""
    views: int
    carts: int
    removals: int
    purchases: int
    revenue_cents: int
    """The sum of the prices of all purchases."""


def key(activity: ProductActivity) -> str:
    """Returns `<level>:<windowStartMs>:<product id or category>`, bounded in length (keys.py)."""
    subject = activity.category if activity.product_id is None else activity.product_id
    return bounded(f"{activity.level}:{activity.window_start_ms}:{subject}")


class _Totals(Struct, gc=False):
    """The running totals of one product or category."""

    name: str
    category: str
    views: int = 0
    carts: int = 0
    removals: int = 0
    purchases: int = 0
    revenue_cents: int = 0

    def add(self, action: Action, times: int) -> None:
        match action:
            case "view":
                self.views += times
            case "cart":
                self.carts += times
            case "remove_from_cart":
                self.removals += times
            case "purchase":
                self.purchases += times


class Windows:
    """Sums sessions. Add each session once, in any order. Late sessions are in no window. Of each session,
    products and categories beyond `limit` are counted under OTHER."""

    def __init__(self, limit: KeyLimit) -> None:
        self._limit = limit
        # Equal interactions are counted first, by Counter in C, and assigned to totals in `activities`.
        self._times: Counter[tuple[int, str, str, str, Action]] = Counter()
        self._product_cents: Counter[tuple[int, str]] = Counter()
        self._category_cents: Counter[tuple[int, str]] = Counter()

    def add(self, session: ValidSession | ErasedSession) -> None:
        """Counts every interaction of `session` for its product and for its category."""
        if session.late:
            return
        start = session.event_time_ms - session.event_time_ms % WINDOW_MS
        if isinstance(session, ErasedSession):
            self._add_amounts(start, session.amounts)
            return
        products = limited(session.product_ids, self._limit.products)
        categories = limited(session.product_categories, self._limit.categories)
        names, actions = session.product_names, session.actions
        if products is not session.product_ids:
            names = [OTHER if of == OTHER else name for of, name in zip(products, names, strict=True)]
        self._times.update(zip(repeat(start), products, names, categories, actions))
        if "purchase" in actions:
            interactions = zip(products, categories, session.product_prices, actions, strict=True)
            for product_id, category, price, action in interactions:
                if action == "purchase":
                    self._product_cents[start, product_id] += cents(price)
                    self._category_cents[start, category] += cents(price)

    def _add_amounts(self, start: int, amounts: Iterable[Amount]) -> None:
        for one in amounts:
            product, words = one.product_id, (one.product_id, one.product_name, one.category)
            for action, field in AMOUNT_OF.items():
                if times := getattr(one, field):
                    self._times[(start, *words, action)] += times
            if one.purchases:
                self._product_cents[start, product] += one.revenue_cents
                self._category_cents[start, one.category] += one.revenue_cents

    def activities(self) -> dict[str, ProductActivity]:
        """Returns the totals so far, by document id."""
        products: dict[tuple[int, str], _Totals] = {}
        categories: dict[tuple[int, str], _Totals] = {}
        for (start, product_id, name, category, action), times in self._times.items():
            of_product = products.setdefault((start, product_id), _Totals(name, category))
            of_product.name = min(of_product.name, name)
            of_product.category = min(of_product.category, category)
            of_product.add(action, times)
            categories.setdefault((start, category), _Totals("", category)).add(action, times)
        for at, paid in self._product_cents.items():
            products[at].revenue_cents = paid
        for at, paid in self._category_cents.items():
            categories[at].revenue_cents = paid
        for (_, product_id), totals in products.items():
            if product_id == OTHER:  # of many names and categories, or the shop's own of this id
                totals.name = totals.category = OTHER
        found = [
            *(_activity("product", start, subject, totals) for (start, subject), totals in products.items()),
            *(_activity("category", start, None, totals) for (start, _), totals in categories.items()),
        ]
        return {key(activity): activity for activity in found}


def window(
    sessions: Iterable[ValidSession | ErasedSession], limit: KeyLimit = USUAL
) -> dict[str, ProductActivity]:
    """Returns all windows of `sessions` (each given once), by document id: what `product_activity` must
    contain."""
    windows = Windows(limit)
    for session in sessions:
        windows.add(session)
    return windows.activities()


def _activity(level: Level, start: int, product_id: str | None, totals: _Totals) -> ProductActivity:
    return ProductActivity(
        level=level,
        window_start_ms=start,
        window_end_ms=start + WINDOW_MS,
        product_id=product_id,
        product_name=None if product_id is None else totals.name,
        category=totals.category,
        views=totals.views,
        carts=totals.carts,
        removals=totals.removals,
        purchases=totals.purchases,
        revenue_cents=totals.revenue_cents,
    )


def amounts(session: ValidSession, limit: KeyLimit) -> list[Amount]:
    """Returns what `session` adds to window totals, as `Windows` counts it."""
    if session.late:
        return []
    products = limited(session.product_ids, limit.products)
    categories = limited(session.product_categories, limit.categories)
    counted: dict[tuple[str, str, str], Counter[str]] = {}
    interactions = zip(
        products, session.product_names, categories, session.actions, session.product_prices, strict=True
    )
    for product, name, category, action, price in interactions:
        of = counted.setdefault((product, OTHER if product == OTHER else name, category), Counter())
        of[AMOUNT_OF[action]] += 1
        if action == "purchase":
            of["revenue_cents"] += cents(price)
    return [
        Amount(product_id=product, product_name=name, category=category, **found)
        for (product, name, category), found in sorted(counted.items())
    ]


def merge(a: ProductActivity, b: ProductActivity) -> ProductActivity:
    """Returns the totals of two parts of the same key, summed as the Flink job's SQL does."""
    name = None if a.product_name is None or b.product_name is None else min(a.product_name, b.product_name)
    return ProductActivity(
        level=a.level,
        window_start_ms=a.window_start_ms,
        window_end_ms=a.window_end_ms,
        product_id=a.product_id,
        product_name=name,
        category=min(a.category, b.category),
        views=a.views + b.views,
        carts=a.carts + b.carts,
        removals=a.removals + b.removals,
        purchases=a.purchases + b.purchases,
        revenue_cents=a.revenue_cents + b.revenue_cents,
    )
