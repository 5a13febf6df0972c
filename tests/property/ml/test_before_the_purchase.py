"""The features of a visit are those of the moment before it bought: neither a purchase nor anything after it
changes them, in a session sent whole or in one that `ingest` makes of shop events."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS

from ml.features import schema as schemas
from ml.features.encoding import Encoding
from ml.features.session_row import session_row
from streaming.contract import parsing, valid_session
from streaming.contract.feeds import ImportKeys
from streaming.contract.session import Session
from streaming.file_import.reading import Reading
from streaming.file_import.settings import IngestSettings
from streaming.file_import.shop_events import COLUMNS

ENCODING = Encoding(schemas.load("vitrine-session"))
NOW_MS = 1_800_000_000_000
GOLDEN = (Path(__file__).parents[3] / "streaming/contract/golden/session_v1.json").read_bytes()

BROWSED = ("view", "cart", "remove_from_cart")
Done = list[tuple[str, str, float, str]]
"""Action, product, price and category of each interaction."""


def done(*actions: str) -> st.SearchStrategy[Done]:
    one = st.tuples(
        st.sampled_from(actions),
        st.sampled_from(["p1", "p2", "p3", "p4"]),
        st.sampled_from([0.0, 0.5, 19.99, 499.0, 4_000.0]),
        st.sampled_from(["sofas", "beds", "rugs", "unknown"]),
    )
    return st.lists(one, max_size=8)


before, after, purchase = done(*BROWSED), done(*BROWSED, "purchase"), done("purchase").filter(bool)
counts = st.integers(0, 1_000_000_000)
ends_ms = st.integers(946_684_800_000, NOW_MS)


def features(message: bytes) -> tuple[dict[str, Any], list[float], bool]:
    """What a model reads of a raw message: by name, encoded, and the label."""
    session = parsing.parse(message, NOW_MS)
    assert isinstance(session, Session), session
    found: dict[str, Any] = {"user_kind": "new", "late": False, "raw_partition": 0, "raw_offset": 0}
    admitted = valid_session.admit(session, PSEUDONYMS, **found, arrived_at_ms=NOW_MS)
    row = session_row(msgspec.to_builtins(admitted))
    named = {feature.name: row[feature.name] for feature in ENCODING.schema.features}
    x = ENCODING.encode({name: [value] for name, value in named.items()})
    return named, np.asarray(x[0], dtype=np.float64).tolist(), row["purchaseMade"]


def sent_whole(interactions: Done, **changed: Any) -> bytes:
    """A message whose every other field is that of the golden one, unless `changed`."""
    columns = {
        "actions": [action for action, *_ in interactions],
        "productIds": [product for _, product, *_ in interactions],
        "productNames": [product for _, product, *_ in interactions],
        "productPrices": [price for *_, price, _ in interactions],
        "productCategories": [category for *_, category in interactions],
    }
    return msgspec.json.encode(msgspec.json.decode(GOLDEN) | columns | changed)


@given(before, purchase, after, ends_ms, ends_ms, counts, counts, st.floats(0, 31_622_400))
@settings(deadline=None)
def test_features_of_a_session_sent_as_a_whole_do_not_know_its_purchase(
    browsed: Done, bought: Done, later: Done,
    ended_ms: int, ended_later_ms: int, pages: int, clicks: int, seconds: float,
) -> None:  # fmt: skip
    looked = sent_whole(
        browsed, purchaseMade=False, amountSpent=0, paymentMethodType=None, reviews=[], eventTimeMs=ended_ms
    )
    spent = sent_whole(
        [*browsed, *bought, *later], purchaseMade=True, amountSpent=1.0, paymentMethodType="card",
        eventTimeMs=ended_later_ms, pageViews=pages, clicks=clicks, sessionDuration=seconds,
    )  # fmt: skip
    (*expected, not_bought), (*found, was_bought) = features(looked), features(spent)
    assert found == expected
    assert (not_bought, was_bought) == (False, True)


START_S = datetime(2019, 11, 30, 23, 58, tzinfo=UTC).timestamp()
"""Two minutes before another hour, weekday and month."""


def imported(visits: dict[str, tuple[Done, list[int]]]) -> dict[str, bytes]:
    """By session, the message that `ingest` sends of a REES46 file of these visits, each interaction coming
    so many seconds after the one before."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for session, (interactions, pauses_s) in visits.items():
        at_s = START_S
        for (action, product, price, category), pause_s in zip(interactions, pauses_s, strict=True):
            at_s += pause_s
            writer.writerow(
                dict.fromkeys(COLUMNS, "")
                | {
                    "event_time": f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S} UTC",
                    "event_type": action, "product_id": product, "price": f"{price}",
                    "category_code": category, "user_id": f"u-{session}", "user_session": session,
                }
            )  # fmt: skip
    with TemporaryDirectory() as directory:
        path = Path(directory) / "2019-Nov.csv"
        path.write_text(text.getvalue(), newline="")
        reading = Reading(
            path, {"deviceType": "desktop", "referrer": "Direct"}, _Unwatched(), ImportKeys(("key",))
        )
        sent = reading.messages(IngestSettings(memory_mb=256, threads=1), Path(directory))
        return {msgspec.json.decode(message.value)["sessionId"]: message.value for message in sent}


class _Unwatched:
    def read(self, position_bytes: int) -> None: ...

    def grouping(self) -> None: ...


pauses = st.integers(0, 5_000)
Timed = tuple[Done, list[int]]


def timed(interactions: st.SearchStrategy[Done]) -> st.SearchStrategy[Timed]:
    return interactions.flatmap(
        lambda made: st.tuples(st.just(made), st.lists(pauses, min_size=len(made), max_size=len(made)))
    )


@given(st.lists(st.tuples(timed(before.filter(bool)), timed(purchase), timed(after)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_features_of_a_session_made_of_shop_events_do_not_know_its_purchase(
    visits: list[tuple[Timed, Timed, Timed]],
) -> None:
    looked = imported({f"s{k}": browsed for k, (browsed, _, _) in enumerate(visits)})
    spent = imported(
        {
            f"s{k}": ([*a, *b, *c], [*of_a, *of_b, *of_c])
            for k, ((a, of_a), (b, of_b), (c, of_c)) in enumerate(visits)
        }
    )
    assert looked.keys() == spent.keys() == {f"s{k}" for k in range(len(visits))}
    for session in looked:
        (*expected, not_bought), (*found, was_bought) = features(looked[session]), features(spent[session])
        assert found == expected
        assert (not_bought, was_bought) == (False, True)
