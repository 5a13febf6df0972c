"""One valid session to vary."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from streaming.contract.valid_session import ValidSession

HOUR_MS = 3_600_000
SESSION = ValidSession(
    schema_version=1,
    session_id="s1",
    event_time_ms=5 * HOUR_MS + 1,
    user_id="u1",
    name="Ada Lovelace",
    email="ada@example.org",
    gender="female",
    device_type="desktop",
    operating_system="Linux",
    browser_type="Firefox",
    product_ids=[],
    product_names=[],
    product_prices=[],
    product_categories=[],
    actions=[],
    page_views=3,
    session_duration=61.5,
    clicks=7,
    purchase_made=False,
    amount_spent=0,
    payment_method_type=None,
    reviews=[],
    referrer="Google",
    country="Germany",
    state="Berlin",
    city="Berlin",
    zip_code="10115",
    user_kind="new",
    late=False,
    raw_partition=0,
    raw_offset=0,
    arrived_at_ms=5 * HOUR_MS + 2,
)


@pytest.fixture
def session() -> Callable[..., ValidSession]:
    """A session with these (product id, name, price, category, action) and other fields as given."""

    def make(*interactions: tuple[str, str, float, str, str], **fields: Any) -> ValidSession:
        columns = [list(column) for column in zip(*interactions, strict=True)] or [[], [], [], [], []]
        names = ("product_ids", "product_names", "product_prices", "product_categories", "actions")
        return msgspec.structs.replace(SESSION, **dict(zip(names, columns, strict=True)), **fields)

    return make
