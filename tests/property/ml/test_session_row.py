"""Whatever a valid session holds, its row has the declared columns, and Parquet takes it."""

from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.features.session_row import COLUMNS, session_row
from streaming.extraction import parquet

words = st.text(min_size=1, max_size=8)
interactions = st.lists(
    st.tuples(
        st.sampled_from(["view", "cart", "remove_from_cart", "purchase"]),
        words,
        st.one_of(st.floats(0, 1e9), st.integers(0, 1_000_000_000)),
        words,
    ),
    max_size=30,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    done = draw(interactions)
    text = (
        "sessionPseudonym",
        "userPseudonym",
        "deviceType",
        "operatingSystem",
        "browserType",
        "referrer",
        "country",
    )
    return {
        **{name: draw(words) for name in text},
        "userKind": draw(st.sampled_from(["new", "returning"])),
        "eventTimeMs": draw(st.integers(0, 253_402_300_799_999)),
        "arrivedAtMs": draw(st.integers(0, 253_402_300_799_999)),
        "actions": [action for action, *_ in done],
        "productIds": [product for _, product, *_ in done],
        "productPrices": [price for _, _, price, _ in done],
        "productCategories": [category for *_, category in done],
        "purchaseMade": draw(st.booleans()),
        "feed": draw(words),
        "consent": draw(
            st.none()
            | st.dictionaries(st.sampled_from(["personalisation", "training"]), st.booleans() | st.none())
        ),
    }


@settings(deadline=None)
@given(documents())
def test_rows_fit_the_declared_columns(document: dict[str, Any]) -> None:
    row = session_row(document)
    schema = pa.schema([(name, parquet._type(kind)) for name, kind in COLUMNS.items()])
    assert pa.Table.from_pylist([row], schema=schema).to_pylist() == [row]
    assert row["cartValueCents"] >= 0
    assert 0 <= row["topCategoryShare"] <= 1
