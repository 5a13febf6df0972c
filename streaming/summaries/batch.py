"""The Flink job's one pass through Python: a batch of messages in, columns out.

Columns, because a batch crosses into and out of Python as Arrow. Row i of a result belongs to message i, but
for the parts of the windows: they are added up over the whole batch before they leave, and stand in row 0.
"""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import msgspec

from streaming.contract.valid_session import try_decode
from streaming.summaries.product import ProductActivity, Windows
from streaming.summaries.review import reviews
from streaming.summaries.session import summarise

_encode = msgspec.json.Encoder().encode
_NONE: list[Any] = []

COLUMNS = ("session_id", "summary", "reviews", "parts")
PART = ("key", *(field.encode_name for field in msgspec.structs.fields(ProductActivity)))
"""What a part of a window consists of, each written as text."""


def reduce(messages: Iterable[bytes], sentiment: bool) -> dict[str, list[Any]]:
    """All that follows from `messages` of `valid_customer_session`, by column: session id, summary (JSON), a
    list of (id, JSON) of the reviews if `sentiment`, a list of parts as in PART.

    What is no session has None for its id, and nothing else.
    """
    session_ids: list[str | None] = []
    summaries: list[bytes] = []
    judged: list[list[list[str]]] = []
    windows = Windows()
    for message in messages:
        # One session at a time: thousands alive at once would keep the garbage collector busy.
        session = try_decode(message)
        if session is None:
            session_ids.append(None)
            summaries.append(b"")
            judged.append(_NONE)
            continue
        windows.add(session)
        session_ids.append(session.session_id)
        summaries.append(_encode(summarise(session)))
        if sentiment and session.reviews:
            judged.append([[review.review_id, _encode(review).decode()] for review in reviews(session)])
        else:
            judged.append(_NONE)
    parts = [[key, *_texts(part)] for key, part in windows.activities().items()]
    in_row_0 = [parts, *repeat(_NONE, len(session_ids) - 1)] if session_ids else []
    return dict(zip(COLUMNS, (session_ids, summaries, judged, in_row_0), strict=True))


def _texts(part: ProductActivity) -> list[str | None]:
    return [None if field is None else str(field) for field in msgspec.structs.astuple(part)]
