"""From shop events to a session message."""

from typing import Any

import msgspec
import pytest

from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Review, Session
from streaming.file_import import visit
from streaming.file_import.shop_events import Event

T_MS = 1_572_566_400_000
NOW_MS = T_MS + 10**10
KNOWN = {"deviceType": "desktop", "referrer": "Direct"}


def event(**changed: Any) -> Event:
    viewed = Event(
        session_number=1, session_id="4d3b", user_id="520", time_ms=T_MS,
        event_time="2019-11-01 00:00:00 UTC",
        event_type="view", product_id="100", category_id="205", category_code="electronics.smartphone",
        brand="xiaomi", price="489.07",
    )  # fmt: skip
    return viewed._replace(**changed)


def judged(*events: Event, **assigned: str) -> Session | Rejection:
    message = visit.outgoing(events, "import-abc", KNOWN | assigned)
    return parse(message.value, NOW_MS)


def test_all_fields_of_a_session() -> None:
    nameless = {"category_code": "", "brand": ""}
    events = (
        event(),
        event(time_ms=T_MS + 1_500, event_type="cart"),
        event(time_ms=T_MS + 2_000, product_id="7", price="0.1", event_type="purchase", **nameless),
        event(time_ms=T_MS + 60_250, product_id="8", category_code="", price="0.2", event_type="purchase"),
    )
    reviews: list[Review] = []
    assert visit.outgoing(events, "import-abc", KNOWN).key == b"520"
    assert judged(*events, country="Peru") == Session(
        schema_version=2, session_id="4d3b", event_time_ms=T_MS + 60_250, feed="import-abc", user_id="520",
        name="", email="", gender="unknown", device_type="desktop", operating_system="unknown",
        browser_type="unknown", product_ids=["100", "100", "7", "8"],
        product_names=["xiaomi smartphone", "xiaomi smartphone", "7", "xiaomi"],
        product_prices=[489.07, 489.07, 0.1, 0.2],
        product_categories=["electronics.smartphone", "electronics.smartphone", "205", "205"],
        actions=["view", "cart", "purchase", "purchase"],
        interaction_times_ms=[T_MS, T_MS + 1_500, T_MS + 2_000, T_MS + 60_250],
        page_views=1, session_duration=60.25, clicks=4,
        purchase_made=True, amount_spent=0.3, payment_method_type="unknown", reviews=reviews,
        referrer="Direct", country="Peru", state="unknown", city="unknown", zip_code="unknown",
    )  # fmt: skip


def test_payment_is_set_only_if_something_was_bought() -> None:
    looked = judged(event(), paymentMethodType="card")
    bought = judged(event(event_type="purchase"), paymentMethodType="card")
    assert isinstance(looked, Session)
    assert isinstance(bought, Session)
    assert (looked.payment_method_type, bought.payment_method_type) == (None, "card")


def test_unknown_device_and_referrer_are_rejected() -> None:
    def reason(assigned: dict[str, str]) -> Reason:
        parsed = parse(visit.outgoing([event()], "import-abc", assigned).value, NOW_MS)
        assert isinstance(parsed, Rejection)
        return parsed.reason

    assert reason({}) == Reason.UNKNOWN_DEVICE
    assert reason({"deviceType": "desktop"}) == Reason.UNKNOWN_REFERRER


@pytest.mark.parametrize(
    ("wrong", "reason", "detail"),
    [
        ({"price": "-3.5"}, Reason.NEGATIVE, "productPrices"),
        ({"price": ""}, Reason.WRONG_TYPE, "productPrices"),
        ({"price": "12,50"}, Reason.WRONG_TYPE, "productPrices"),
        ({"price": "1_0"}, Reason.WRONG_TYPE, "productPrices"),
        ({"price": "nan"}, Reason.NOT_FINITE, "NaN"),
        ({"price": "-inf"}, Reason.NOT_FINITE, "NaN"),
        ({"price": "1e999"}, Reason.NOT_FINITE, "NaN"),
        ({"price": "1e10"}, Reason.OUT_OF_RANGE, "productPrices"),
        ({"time_ms": None, "event_time": "yesterday"}, Reason.WRONG_TYPE, "eventTimeMs"),
        ({"time_ms": None, "event_time": ""}, Reason.WRONG_TYPE, "eventTimeMs"),
        ({"time_ms": -1}, Reason.NEGATIVE, "eventTimeMs"),
        ({"time_ms": NOW_MS + 10**9}, Reason.FUTURE_TIME, "eventTimeMs"),
        ({"time_ms": 10**16}, Reason.OUT_OF_RANGE, "eventTimeMs"),
        ({"event_type": "wishlist"}, Reason.WRONG_TYPE, "actions"),
        ({"product_id": ""}, Reason.OUT_OF_RANGE, "productIds"),
        ({"session_id": ""}, Reason.OUT_OF_RANGE, "sessionId"),
        ({"session_id": "s" * 129}, Reason.OUT_OF_RANGE, "sessionId"),
        ({"user_id": ""}, Reason.OUT_OF_RANGE, "userId"),
    ],
)
def test_a_wrong_value_is_rejected_with_its_reason(
    wrong: dict[str, Any], reason: Reason, detail: str
) -> None:
    for events in ([event(**wrong)], [event(**wrong)] * 2):
        verdict = judged(*events)
        assert isinstance(verdict, Rejection)
        assert verdict.reason == reason
        assert verdict.detail.startswith(detail)


def test_events_without_a_time_come_last_and_their_session_is_rejected() -> None:
    verdict = judged(event(), event(time_ms=None, event_time="?"))
    assert isinstance(verdict, Rejection)
    assert (verdict.reason, verdict.detail[:11]) == (Reason.WRONG_TYPE, "eventTimeMs")


def test_without_a_user_there_is_no_key() -> None:
    assert visit.outgoing([event(user_id="")], "import-abc", {}).key is None


def test_the_category_is_its_code_or_its_id_or_unknown() -> None:
    def category(**changed: str) -> str:
        fields = msgspec.json.decode(visit.outgoing([event(**changed)], "import-abc", {}).value)
        found: str = fields["productCategories"][0]
        return found

    assert category() == "electronics.smartphone"
    assert category(category_code="") == "205"
    assert category(category_code="", category_id="") == "unknown"
