"""The extract's row: the right figures, and nothing about the person, the purchase or what follows it."""

import json
from typing import Any

import pytest

from ml.features.session_row import COLUMNS, session_row

DOCUMENT: dict[str, Any] = {
    "_id": "s1",
    "schemaVersion": 1,
    "sessionPseudonym": "s1",
    "eventTimeMs": 1_700_000_000_000,
    "feed": "live",
    "userPseudonym": "u1",
    "identity": {
        "userId": "SECRET user",
        "sessionId": "SECRET session",
        "name": "SECRET name",
        "email": "SECRET@example.org",
        "zipCode": "SECRET zip",
    },
    "gender": "SECRET gender",
    "deviceType": "mobile",
    "operatingSystem": "Android",
    "browserType": "Firefox",
    "productIds": ["p1", "p2", "p1", "p2", "p3", "p4"],
    "productNames": ["SECRET"] * 6,
    "productPrices": [10, 20.25, 10, 20.25, 5, 99],
    "productCategories": ["sofas", "lamps", "sofas", "lamps", "rugs", "beds"],
    "actions": ["view", "view", "cart", "remove_from_cart", "purchase", "view"],
    "pageViews": 7,
    "sessionDuration": 61,
    "clicks": 9,
    "purchaseMade": True,
    "amountSpent": 987.5,
    "paymentMethodType": "SECRET card",
    "reviews": [{"productId": "p1", "rating": 5, "text": "SECRET", "sentiment": "positive"}],
    "referrer": "Google",
    "country": "DE",
    "state": "SECRET state",
    "city": "SECRET city",
    "zipCode": "SECRET zip",
    "userKind": "returning",
    "late": False,
    "rawPartition": 0,
    "rawOffset": 5,
    "arrivedAtMs": 1_700_000_001_000,
}


def test_row_has_exactly_the_declared_columns_in_their_order() -> None:
    assert list(session_row(DOCUMENT)) == list(COLUMNS)


def test_figures() -> None:
    row = session_row(DOCUMENT)
    assert (row["viewed"], row["carted"], row["removed"], row["distinctProducts"]) == (2, 1, 1, 2)
    assert row["meanPriceViewed"] == (10 + 20.25) / 2
    assert row["maxPriceViewed"] == 20.25
    assert (row["topCategory"], row["topCategoryShare"]) == ("lamps", 0.5)
    assert row["cartValueCents"] == 0  # 10.00 in, 20.25 out
    assert row["productIds"] == ["p1", "p2", "p3", "p4"]


def test_no_personal_field_reaches_the_row() -> None:
    assert "SECRET" not in json.dumps(session_row(DOCUMENT))


def test_features_do_not_know_the_purchase() -> None:
    bought = session_row(DOCUMENT)
    first = DOCUMENT["actions"].index("purchase")
    parallel = ("productIds", "productNames", "productPrices", "productCategories", "actions")
    without = {**DOCUMENT, **{name: DOCUMENT[name][:first] for name in parallel}}
    without |= {"purchaseMade": False, "amountSpent": 0.0, "paymentMethodType": None, "reviews": []}
    for column in COLUMNS.keys() - {"productIds", "productCategories", "purchaseMade"}:
        assert session_row(without)[column] == bought[column], column


@pytest.mark.parametrize(
    ("consent", "row"),
    [
        (None, (None, None)),
        ({"analytics": True, "personalisation": None, "training": False}, (None, False)),
        ({"personalisation": True, "training": True}, (True, True)),
    ],
)
def test_what_was_said_of_consent_is_in_the_row_and_what_was_not_is_null(consent: Any, row: Any) -> None:
    """The setting is applied when the extract is read, so that a changed one holds for all of it."""
    found = session_row({**DOCUMENT, "consent": consent})
    assert (found["personalisation"], found["training"]) == row
    assert found["feed"] == "live"


def test_an_empty_session_has_a_row() -> None:
    parallel = ("productIds", "productNames", "productPrices", "productCategories", "actions")
    row = session_row({**DOCUMENT, **{name: [] for name in parallel}})
    assert (row["viewed"], row["meanPriceViewed"], row["topCategory"], row["topCategoryShare"]) == (
        0,
        None,
        None,
        0.0,
    )
