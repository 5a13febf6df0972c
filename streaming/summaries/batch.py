"""The Python part of the Flink job: takes a batch of messages and returns columns.

Columns, because batches are transferred between Flink and Python as Arrow. Row i of the result belongs to
message i, except for the parts of windows: they are summed over the whole batch, and are in its first rows.
"""

from collections.abc import Iterable
from itertools import repeat
from typing import Any

import msgspec

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.valid_session import ValidSession, try_decode
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import ProductActivity, Windows
from streaming.summaries.review import reviews
from streaming.summaries.session import summarise
from streaming.words.lists import Words

_encode = msgspec.json.Encoder().encode
_NONE: list[Any] = []

COLUMNS = ("session_pseudonym", "summary", "reviews", "parts")
PART = ("key", *(field.encode_name for field in msgspec.structs.fields(ProductActivity)))
"""The fields of a part of a window, each as text."""
PARTS_IN_A_ROW = 500


def reduce(
    messages: Iterable[bytes | None],
    sentiment: bool,
    limit: KeyLimit,
    words: Words,
    pseudonyms: Pseudonyms,
) -> dict[str, list[Any]]:
    """Returns what follows from `messages` of `valid_customer_session`, by column: session pseudonym, summary
    (JSON) with the words of `words`, a list of (id, JSON) of the reviews if `sentiment`, a list of parts as
    in PART, of each session no more than `limit`.

    A blank row (weight.py), a message that is not a session, and what is left of an erased one have None as
    their pseudonym, and empty values; the last is in its window all the same.
    """
    known_as: list[str | None] = []
    summaries: list[bytes] = []
    classified: list[list[list[str]]] = []
    windows = Windows(limit)
    for message in messages:
        # One session at a time: thousands of objects at once would cost the garbage collector much time.
        session = try_decode(message, pseudonyms)
        if session is not None:
            windows.add(session)
        if not isinstance(session, ValidSession):
            known_as.append(None)
            summaries.append(b"")
            classified.append(_NONE)
            continue
        known_as.append(session.session_pseudonym)
        summaries.append(_encode(summarise(session, words)))
        if sentiment and session.reviews:
            classified.append([[review.review_id, _encode(review).decode()] for review in reviews(session)])
        else:
            classified.append(_NONE)
    parts = [[key, *_texts(part)] for key, part in windows.activities().items()]
    spread = _spread(parts, len(known_as))
    return dict(zip(COLUMNS, (known_as, summaries, classified, spread), strict=True))


def _spread(parts: list[Any], rows: int) -> list[list[Any]]:
    """Returns `parts` in the first of `rows` rows: Flink makes objects of one row at a time, and those of all
    parts of a batch of hostile messages would fill its heap."""
    in_a_row = max(PARTS_IN_A_ROW, -(-len(parts) // rows)) if rows else 1
    filled = [parts[first : first + in_a_row] for first in range(0, len(parts), in_a_row)]
    return [*filled, *repeat(_NONE, rows - len(filled))]


def _texts(part: ProductActivity) -> list[str | None]:
    return [None if field is None else str(field) for field in msgspec.structs.astuple(part)]
