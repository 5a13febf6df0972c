"""The golden bytes of version 1 never change. Imports only pytest and the contract, so that it runs in every
environment: all must read these bytes in the same way."""

import json
from pathlib import Path

import pytest

from streaming.contract import valid_session
from streaming.contract.parsing import parse
from streaming.contract.session import Review, Session

GOLDEN = Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json"

EXPECTED = Session(
    schema_version=1,
    session_id="s1f0c8e-00000042",
    event_time_ms=1_767_261_296_123,
    feed="live",
    user_id="u1-000007",
    name="Zoë Åström",
    email="zoe.astrom.7@example.org",
    gender="female",
    device_type="mobile",
    operating_system="iOS",
    browser_type="Safari",
    product_ids=["P0001", "P0001", "P0107"],
    product_names=["Alba oak two-seat sofa", "Alba oak two-seat sofa", 'Celeste linen pouf "Łódź"'],
    product_prices=[899.99, 899.99, 49.5],
    product_categories=["sofas", "sofas", "garden"],
    actions=["view", "cart", "view"],
    page_views=5,
    session_duration=312.4,
    clicks=9,
    purchase_made=False,
    amount_spent=0.0,
    payment_method_type=None,
    reviews=[
        Review(product_id="P0001", rating=5, text="Sehr schön — größer als gedacht 🛋️", sentiment="positive")
    ],
    referrer="Direct",
    country="France",
    state="Île-de-France",
    city="Paris",
    zip_code="75001",
)


def test_the_golden_bytes_are_this_session() -> None:
    assert parse(GOLDEN.read_bytes(), EXPECTED.event_time_ms) == EXPECTED


def test_its_valid_session_keeps_every_field_under_its_json_name() -> None:
    admitted = valid_session.admit(
        EXPECTED, user_kind="new", late=False, raw_partition=1, raw_offset=42, arrived_at_ms=1_767_261_300_000
    )
    wire = json.loads(valid_session.encode(admitted))
    facts = {
        "userKind": "new",
        "late": False,
        "rawPartition": 1,
        "rawOffset": 42,
        "arrivedAtMs": 1_767_261_300_000,
    }
    assert wire == json.loads(GOLDEN.read_bytes()) | facts
    assert valid_session.decode(valid_session.encode(admitted)) == admitted


def test_an_invalid_valid_record_is_an_error() -> None:
    with pytest.raises(ValueError, match="required field"):
        valid_session.decode(GOLDEN.read_bytes())
