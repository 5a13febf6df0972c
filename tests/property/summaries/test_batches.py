"""However sessions are divided into batches, the results are the documents of each session and, merged, the
windows of all: `merge` does here what Flink does in SQL."""

import json
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, session_with

from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.session import Review
from streaming.contract.valid_session import StoredSession, encode
from streaming.summaries.batch import COLUMNS, PART, PARTS_IN_A_ROW, reduce
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.product import WINDOW_MS, ProductActivity, merge, window
from streaming.words.lists import Words

words = st.sampled_from(["a", "b", "ö", "🛋", "a\x00b", '"'])
interactions = st.lists(
    st.tuples(
        words,
        words,
        st.floats(0, 1e9),
        words,
        st.sampled_from(["view", "cart", "remove_from_cart", "purchase"]),
    ),
    max_size=6,
)


BASE = next(valid_sessions(1))
LIMIT = KeyLimit(products=3, categories=2)
WORDS = Words()
"""Some of the sessions have more."""
PARALLEL = ("product_ids", "product_names", "product_prices", "product_categories", "actions")


@st.composite
def sessions(draw: st.DrawFn) -> list[StoredSession]:
    sessions = []
    for number in range(draw(st.integers(0, 6))):
        columns = [list(column) for column in zip(*draw(interactions), strict=True)] or [[] for _ in PARALLEL]
        reviews = [
            Review(product_id=of, rating=3, text=text, sentiment="neutral")
            for of, text in draw(st.lists(st.tuples(words, st.text(max_size=20)), max_size=2))
        ]
        sessions.append(
            msgspec.structs.replace(
                BASE,
                session_pseudonym=str(number),
                event_time_ms=draw(st.integers(0, 3 * WINDOW_MS)),
                late=draw(st.booleans()),
                reviews=reviews,
                **dict(zip(PARALLEL, columns, strict=True)),
            )
        )
    return sessions


@settings(max_examples=60, deadline=None)
@given(sessions(), st.integers(1, 4))
def test_batches_give_the_documents_of_all_sessions(sessions: list[StoredSession], batch_size: int) -> None:
    single: dict[str, dict[str, object]] = {topic: {} for topic in topics.INDEXED[:1] + topics.INDEXED[2:]}
    totals: dict[str, ProductActivity] = {}
    for first in range(0, len(sessions), batch_size):
        batch = sessions[first : first + batch_size]
        columns = reduce(map(encode, batch), True, LIMIT, WORDS, PSEUDONYMS)
        assert tuple(columns) == COLUMNS
        for known_as, summary, reviews, parts in zip(*columns.values(), strict=True):
            single[topics.SESSION_SUMMARIES][known_as] = json.loads(summary)
            single[topics.PRODUCT_SENTIMENT] |= {review_id: json.loads(text) for review_id, text in reviews}
            for texts in parts:
                assert len(texts) == len(PART)
                part = msgspec.convert(dict(zip(PART, texts, strict=True)), ProductActivity, strict=False)
                totals[texts[0]] = merge(totals[texts[0]], part) if texts[0] in totals else part
    assert totals == window(sessions, LIMIT)
    expected = [
        (topic, key, msgspec.to_builtins(document))
        for one in sessions
        for topic, key, document in documents(one, WORDS)
    ]
    assert sorted(expected, key=lambda it: it[:2]) == sorted(
        ((topic, key, document) for topic, of in single.items() for key, document in of.items()),
        key=lambda it: it[:2],
    )


@settings(max_examples=30, deadline=None)
@given(sessions(), st.lists(st.binary(max_size=20), min_size=1, max_size=4))
def test_a_message_that_is_not_a_session_gives_an_empty_row(
    sessions: list[StoredSession], poison: list[bytes]
) -> None:
    sound = list(map(encode, sessions))
    columns, alone = (
        reduce([*poison, *sound], True, LIMIT, WORDS, PSEUDONYMS),
        reduce(sound, True, LIMIT, WORDS, PSEUDONYMS),
    )
    assert columns["session_pseudonym"] == [None] * len(poison) + alone["session_pseudonym"]
    assert columns["summary"][len(poison) :] == alone["summary"]
    assert columns["reviews"] == [[] for _ in poison] + alone["reviews"]
    assert columns["parts"][0] == (alone["parts"][0] if sessions else [])


@settings(max_examples=30, deadline=None)
@given(sessions(), st.randoms())
def test_order_does_not_matter(sessions: list[StoredSession], random: Random) -> None:
    expected = window(sessions, LIMIT)
    random.shuffle(sessions)
    assert window(sessions, LIMIT) == expected


@given(st.integers(1, 9), st.integers(1, 300))
def test_no_row_has_many_parts(messages: int, products: int) -> None:
    """Flink makes objects of all parts of a row at once."""
    bombs = [
        session_with(
            *((f"{n}-{product}", "", 1.0, "c", "view") for product in range(products)), session_id=str(n)
        )
        for n in range(messages)
    ]
    columns = reduce(map(encode, bombs), False, KeyLimit(products=products, categories=1), WORDS, PSEUDONYMS)
    assert {len(column) for column in columns.values()} == {messages}
    assert max(map(len, columns["parts"])) <= PARTS_IN_A_ROW
    assert sorted(part[0] for row in columns["parts"] for part in row) == sorted(
        window(bombs, KeyLimit(products=products, categories=1))
    )
