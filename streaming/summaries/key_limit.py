"""How many window totals one session may make. Pure.

A visitor chooses product ids and categories, and each makes totals that are kept for ever, in the Flink job
and in Elasticsearch. What goes beyond the limit is counted under OTHER. The session alone decides what that
is, neither other sessions nor the order of arrival: so everybody who counts a session counts the same.
"""

from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

OTHER = "other"
"""The id, name and category of the product that stands for all products beyond the limit, and the category
that stands for all categories beyond it."""


class KeyLimit(Struct, frozen=True, kw_only=True):
    """How many products and how many categories of one session get totals of their own. Real visits have far
    fewer; the contract allows 10,000 of each."""

    products: int = 200
    categories: int = 50


USUAL = KeyLimit()


def limited(names: Sequence[str], at_most: int) -> Sequence[str]:
    """Returns `names` with OTHER in place of all but the first `at_most` distinct ones."""
    if len(names) <= at_most:
        return names
    own = set(islice(dict.fromkeys(names), at_most))
    return [name if name in own else OTHER for name in names]
