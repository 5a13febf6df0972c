"""The items of each user, from the rows of the extract."""

from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = ("userPseudonym", "productIds", "productCategories")


def item_sets(rows: Iterable[Mapping[str, Any]]) -> dict[str, frozenset[bytes]]:
    """Returns, by user, the products and categories of all sessions; a product never equals a category."""
    items: dict[str, set[bytes]] = {}
    for row in rows:
        owned = items.setdefault(row["userPseudonym"], set())
        owned.update(b"p:" + product.encode() for product in row["productIds"])
        owned.update(b"c:" + category.encode() for category in row["productCategories"])
    return {user: frozenset(owned) for user, owned in items.items()}
