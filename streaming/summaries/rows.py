"""What the Flink job's one Python function gives back: flat rows of plain values, cheap to carry to the JVM.

A row is either a finished document (`topic`, `key`, `document`) or, where `topic` is `product_activity`, a part
of a window that Flink still has to add up (the remaining columns, in the order of `ProductActivity`).
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from streaming.events import topics
from streaming.events.valid import decode
from streaming.summaries import product
from streaming.summaries.review import reviews
from streaming.summaries.session import summarise

_encode = msgspec.json.Encoder().encode
_NO_PART = (None,) * len(product.ProductActivity.__struct_fields__)


def rows(value: bytes, sentiment: bool) -> Iterator[tuple[Any, ...]]:
    """Every row that follows from one message of `valid_customer_session`, its reviews only with `sentiment`.

    Raises msgspec.DecodeError on anything the gate did not write: going on would lose a session silently.
    """
    session = decode(value)
    yield topics.SESSION_SUMMARIES, session.session_id, _encode(summarise(session)), *_NO_PART
    if sentiment:
        for review in reviews(session):
            yield topics.PRODUCT_SENTIMENT, review.review_id, _encode(review), *_NO_PART
    for part in product.contributions(session):
        yield topics.PRODUCT_ACTIVITY, product.key(part), None, *msgspec.structs.astuple(part)
