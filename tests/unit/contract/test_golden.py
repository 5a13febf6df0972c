"""The golden bytes of both versions never change. Imports only pytest, msgspec and the contract, so that it
runs in every environment: all must read these bytes in the same way."""

import json
from pathlib import Path

import msgspec
import pytest

from streaming.contract import valid_session
from streaming.contract.parsing import parse
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.session import Consent, PageView, Review, Session

GOLDEN = Path(__file__).parents[3] / "streaming/contract/golden"

FIRST = Session(
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


PSEUDONYMS = Pseudonyms("a key for the tests of Vitrine")
IDENTITY = ("userId", "sessionId", "name", "email", "zipCode")
END_MS = 1_782_900_000_123
SECOND = msgspec.structs.replace(
    FIRST,
    schema_version=2,
    session_id="s1f0c8e-00000043",
    event_time_ms=END_MS,
    product_ids=[*FIRST.product_ids, "P0001"],
    product_names=[*FIRST.product_names, "Alba oak two-seat sofa"],
    product_prices=[*FIRST.product_prices, 899.99],
    product_categories=[*FIRST.product_categories, "sofas"],
    actions=[*FIRST.actions, "purchase"],
    interaction_times_ms=[END_MS - 300_000, END_MS - 240_500, END_MS - 200_000, END_MS],
    pages=[
        PageView(page="home", time_ms=END_MS - 312_400),
        PageView(page="product", time_ms=END_MS - 300_000),
        PageView(page="cart", time_ms=END_MS - 120_000),
        PageView(page="checkout: address", time_ms=END_MS - 90_000),
        PageView(page="checkout: payment", time_ms=END_MS - 30_000),
        PageView(page="thank you", time_ms=END_MS),
    ],
    page_views=7,
    clicks=12,
    purchase_made=True,
    amount_spent=899.99,
    payment_method_type="paypal",
    currency="EUR",
    referrer="Email",
    channel="newsletter",
    campaign="Soldes d'été",
    consent=Consent(analytics=True, personalisation=False, training=None),
)
BOTH = pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((GOLDEN / "session_v1.json").read_bytes(), FIRST),
        ((GOLDEN / "session_v2.json").read_bytes(), SECOND),
    ],
    ids=["version 1", "version 2"],
)


@BOTH
def test_the_golden_bytes_are_this_session(value: bytes, expected: Session) -> None:
    assert parse(value, expected.event_time_ms) == expected


@BOTH
def test_its_valid_session_keeps_every_field_under_its_json_name(value: bytes, expected: Session) -> None:
    wire, sent = json.loads(valid_session.encode(admitted(expected))), json.loads(value)
    user, session = PSEUDONYMS.both(expected.user_id, expected.session_id)
    facts = {
        "userPseudonym": user,
        "sessionPseudonym": session,
        "pseudonymKey": PSEUDONYMS.key_id,
        "userKind": "new",
        "late": False,
        "rawPartition": 1,
        "rawOffset": 42,
        "arrivedAtMs": END_MS,
        "identity": {name: sent.pop(name) for name in IDENTITY},
    }
    newer = dict.fromkeys(["interactionTimesMs", "pages", "currency", "channel", "campaign", "consent"])
    assert wire == newer | sent | facts


@BOTH
def test_it_is_read_with_and_without_its_identity(value: bytes, expected: Session) -> None:
    whole = admitted(expected)
    written = valid_session.encode(whole)
    assert valid_session.decode_stored(written, PSEUDONYMS) == whole
    assert valid_session.sent(whole) == expected
    read = valid_session.decode(written, PSEUDONYMS)
    assert type(read) is valid_session.ValidSession
    shown = msgspec.json.encode(read)
    assert shown == written[: written.index(b',"identity":')] + b"}"
    assert not [one for one in msgspec.structs.astuple(whole.identity) if f'"{one}"'.encode() in shown]


@BOTH
def test_the_message_of_an_earlier_gate_is_read_as_todays(value: bytes, expected: Session) -> None:
    """It has the ids among the other fields, and no pseudonyms."""
    facts = {"userKind": "new", "late": False, "rawPartition": 1, "rawOffset": 42, "arrivedAtMs": END_MS}
    earlier = json.dumps(json.loads(value) | facts).encode()
    assert valid_session.decode_stored(earlier, PSEUDONYMS) == admitted(expected)
    read = valid_session.decode(earlier, PSEUDONYMS)
    assert read.session_pseudonym == admitted(expected).session_pseudonym
    assert not valid_session.is_pseudonymous(earlier)
    assert valid_session.is_pseudonymous(valid_session.encode(admitted(expected)))


def test_an_address_in_the_message_of_an_earlier_gate_is_masked() -> None:
    facts = {"userKind": "new", "late": False, "rawPartition": 1, "rawOffset": 42, "arrivedAtMs": END_MS}
    fields = json.loads((GOLDEN / "session_v1.json").read_bytes()) | {"city": "zoe@example.org"}
    read = valid_session.decode(json.dumps(fields | facts).encode(), PSEUDONYMS)
    assert isinstance(read, valid_session.ValidSession)
    assert read.city == "[mail]"


def admitted(session: Session) -> valid_session.StoredSession:
    return valid_session.admit(
        session, PSEUDONYMS, user_kind="new", late=False, raw_partition=1, raw_offset=42, arrived_at_ms=END_MS
    )


def test_an_invalid_valid_record_is_an_error() -> None:
    for read in (valid_session.decode, valid_session.decode_stored):
        with pytest.raises(ValueError, match="required field"):
            read((GOLDEN / "session_v1.json").read_bytes(), PSEUDONYMS)
