"""Converts a stored session into a row of the extract, with only what models and similar users need.

It contains no id, name, e-mail address, gender, city, zip code or text. Interactions are counted up to the
first purchase: a purchase, and what follows it, changes no feature; only the label and the item sets for
similar users cover the whole visit. `pageViews`, `clicks`, `sessionDuration` and the time of day are left
out: the contract has them only for the whole visit, purchase included. Runs in the Airflow
environment too: imports only the contract and the standard library.
"""

from collections import Counter
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from streaming.contract.consent import answer_in
from streaming.contract.interactions import cart_value_cents, top_category

COLUMNS: Mapping[str, str] = {
    "sessionPseudonym": "string",
    "userPseudonym": "string",
    "arrivedAtMs": "int64",
    "eventTimeMs": "int64",
    "userKind": "string",
    "deviceType": "string",
    "operatingSystem": "string",
    "browserType": "string",
    "referrer": "string",
    "country": "string",
    "viewed": "int32",  # from here to cartValueCents: of the interactions before the first purchase
    "carted": "int32",
    "removed": "int32",
    "distinctProducts": "int32",
    "meanPriceViewed": "float64",  # null if nothing was viewed
    "maxPriceViewed": "float64",
    "topCategory": "string",  # with most interactions; of equals the first in code point order; or null
    "topCategoryShare": "float64",  # of the interactions; 0 without any
    "cartValueCents": "int64",  # added less removed, at least 0
    "productIds": "list<string>",  # distinct, sorted, purchases included: the item set for similarity
    "productCategories": "list<string>",  # likewise
    "purchaseMade": "bool",  # the label
    "feed": "string",  # no feature, nor what follows: what the user has agreed to, null if that was not said
    "personalisation": "bool",
    "training": "bool",
}
"""The Arrow type of each column, in the order of the file."""


def session_row(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the row of a MongoDB `sessions` document (streaming.contract.valid_session.ValidSession in
    camel case).

    Raises KeyError if a field is missing: the store holds valid sessions only.
    """
    interactions = _before_purchase(document)
    actions = Counter(action for action, *_ in interactions)
    viewed = [price for action, _, price, _ in interactions if action == "view"]
    category, times = top_category([category for *_, category in interactions])
    return {
        "sessionPseudonym": document["sessionPseudonym"],
        "userPseudonym": document["userPseudonym"],
        "arrivedAtMs": document["arrivedAtMs"],
        "eventTimeMs": document["eventTimeMs"],
        "userKind": document["userKind"],
        "deviceType": document["deviceType"],
        "operatingSystem": document["operatingSystem"],
        "browserType": document["browserType"],
        "referrer": document["referrer"],
        "country": document["country"],
        "viewed": actions["view"],
        "carted": actions["cart"],
        "removed": actions["remove_from_cart"],
        "distinctProducts": len({product for _, product, *_ in interactions}),
        "meanPriceViewed": sum(viewed) / len(viewed) if viewed else None,
        "maxPriceViewed": max(viewed, default=None),
        "topCategory": category,
        "topCategoryShare": times / len(interactions) if interactions else 0.0,
        "cartValueCents": cart_value_cents(
            (action for action, *_ in interactions), (price for _, _, price, _ in interactions)
        ),
        "productIds": sorted(set(document["productIds"])),
        "productCategories": sorted(set(document["productCategories"])),
        "purchaseMade": document["purchaseMade"],
        "feed": document["feed"],
        "personalisation": answer_in(document, "personalisation"),
        "training": answer_in(document, "training"),
    }


def _before_purchase(document: Mapping[str, Any]) -> list[tuple[str, str, float, str]]:
    """Returns action, product, price and category of each interaction before the first purchase (of all
    interactions, if there is none)."""
    everything = zip(
        document["actions"],
        document["productIds"],
        map(float, document["productPrices"]),
        document["productCategories"],
        strict=True,
    )
    return list(takewhile(lambda interaction: interaction[0] != "purchase", everything))
