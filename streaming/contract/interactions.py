"""What follows from the interactions of a session alone, for summaries and for models. Pure; standard library
only."""

from collections.abc import Iterable, Sequence

_SIGN = {"cart": 1, "remove_from_cart": -1}


def cents(amount: float) -> int:
    """Returns a price in its smallest unit, half to even, so that sums over sessions are exact in any
    order."""
    return round(amount * 100)


def cart_value_cents(actions: Iterable[str], prices: Iterable[float]) -> int:
    """Returns what was put into the cart less what was removed from it, at least 0."""
    return max(
        0,
        sum(
            _SIGN[action] * cents(price)
            for action, price in zip(actions, prices, strict=True)
            if action in _SIGN
        ),
    )


def top_category(categories: Sequence[str]) -> tuple[str | None, int]:
    """Returns the category of most interactions, the first in code point order among equals, and their
    number; None and 0 without any."""
    counts: dict[str, int] = {}
    for category in categories:
        counts[category] = counts.get(category, 0) + 1
    most = max(counts.values(), default=0)
    return min((category for category, count in counts.items() if count == most), default=None), most
