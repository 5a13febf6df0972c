"""The items of each user, from the rows of the extract."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from streaming.contract.consent import Sources

COLUMNS = ("userPseudonym", "productIds", "productCategories", "feed", "personalisation")


class ItemSets(NamedTuple):
    """The items of the users who agree to personalisation, and how many others there are."""

    of_users: dict[str, frozenset[bytes]]
    refused: int


def item_sets(rows: Iterable[Mapping[str, Any]], sources: Sources) -> ItemSets:
    """Returns, by user, the products and categories of all sessions; a product never equals a category. A
    user is left out who has refused personalisation in any of them (streaming/contract/consent.py)."""
    items: dict[str, set[bytes]] = {}
    refused: set[str] = set()
    for row in rows:
        user = row["userPseudonym"]
        if not sources.agree("personalisation", row["feed"], row["personalisation"]):
            refused.add(user)
            items.pop(user, None)
        if user in refused:
            continue
        owned = items.setdefault(user, set())
        owned.update(b"p:" + product.encode() for product in row["productIds"])
        owned.update(b"c:" + category.encode() for category in row["productCategories"])
    return ItemSets({user: frozenset(owned) for user, owned in items.items()}, len(refused))
