"""Which record of an id stands."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from streaming.contract import topics
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.newest import IndexRecord, newest, version


class _Counts(Struct, rename="camel"):
    views: int
    carts: int
    removals: int
    purchases: int
    revenue_cents: int
    window_start_ms: int


TOPIC = topics.PRODUCT_SENTIMENT


def a_record(
    offset: int,
    key: bytes | None = b"k",
    appended_at_ms: int = 10,
    value: bytes | None = b'{"eventTimeMs":1}',
) -> IndexRecord:
    return IndexRecord(TOPIC, 0, offset, appended_at_ms, key, value)


def test_the_last_record_of_an_id_stands() -> None:
    standing, unreadable = newest([a_record(0, b"a"), a_record(1, b"b"), a_record(2, b"a")])
    assert {id_: record.offset for (_, id_), (record, _) in standing.items()} == {"a": 2, "b": 1}
    assert unreadable == []


def test_ids_of_different_indexes_are_different() -> None:
    other = IndexRecord(topics.SESSION_SUMMARIES, 0, 0, 10, b"k", b'{"eventTimeMs":1}')
    standing, _ = newest([a_record(0), other])
    assert len(standing) == 2


def test_what_can_be_no_document_is_told_with_its_reason() -> None:
    undated = [b"{}", b"[]", b"\xff", b'{"eventTimeMs":"now"}', b'{"eventTimeMs":-1}', b"[" * 100_000]
    records = [
        a_record(0, None), a_record(1, b""), a_record(2, value=None), a_record(3, b"\xff"),
        *(a_record(4 + n, value=value) for n, value in enumerate(undated)),
    ]  # fmt: skip
    standing, unreadable = newest(records)
    assert standing == {}
    assert [(one.record.offset, one.reason) for one in unreadable] == [
        (0, "empty_key"), (1, "empty_key"), (2, "empty_value"), (3, "key_not_utf8"),
        *((4 + n, "no_time") for n in range(len(undated))),
    ]  # fmt: skip


moments = st.integers(0, 2**42)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=50), moments)
def test_versions_grow_along_a_partition(steps: list[tuple[int, bool]], start_ms: int) -> None:
    """The broker's clock stands still or moves on; offsets always move on."""
    records, at_ms = [], start_ms
    for offset, (more_ms, _) in enumerate(steps):
        at_ms += more_ms
        records.append(a_record(offset, appended_at_ms=at_ms))
    versions = [version(record) for record in records]
    assert versions == sorted(set(versions))
    assert 0 <= versions[-1] < 2**63


def test_a_topic_made_anew_is_newer_though_its_offsets_begin_again() -> None:
    assert version(a_record(0, appended_at_ms=11)) > version(a_record(10**6 - 1, appended_at_ms=10))


@given(st.lists(st.sampled_from([b"a", b"b"]), max_size=12), st.data())
def test_any_replay_in_any_order_ends_the_same(keys: list[bytes], data: st.DataObject) -> None:
    def body(n: int) -> bytes:
        return (
            b'{"level":"category","windowStartMs":0,"windowEndMs":1,"productId":null,"productName":null,'
            b'"category":"c","views":%d,"carts":0,"removals":0,"purchases":0,"revenueCents":0}' % n
        )

    records = [a_record(n, key, 10 + n // 3, body(n)) for n, key in enumerate(keys)]
    index = InMemoryIndex()
    index.prepare(TOPIC, DOCUMENTS[topics.PRODUCT_ACTIVITY])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(records)))
        standing, _ = newest(records[start : data.draw(st.integers(start, len(records)))])
        index.put([write for _, write in standing.values()])
    standing, _ = newest(records)
    assert index.put([write for _, write in standing.values()]) == []
    assert {id_: found["views"] for id_, found in index.documents(TOPIC).items()} == {
        key.decode(): n for n, key in enumerate(keys)
    }


def totals(views: int, appended_at_ms: int) -> IndexRecord:
    counts = {
        "views": views,
        "carts": 1,
        "removals": 0,
        "purchases": 2,
        "revenueCents": 1,
        "windowStartMs": 3,
    }
    return IndexRecord(topics.PRODUCT_ACTIVITY, 0, 0, appended_at_ms, b"k", json.dumps(counts).encode())


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_the_totals_that_count_most_stand_however_old_batches_come_again(
    order: list[int], again: set[int]
) -> None:
    """The stamp says when a record was appended, which of a batch produced anew is later."""
    records = [totals(views, 1_800_000_000_000 + at) for at, views in enumerate([*order, *sorted(again)])]
    index = InMemoryIndex()
    index.prepare(topics.PRODUCT_ACTIVITY, _Counts)
    for record in records:
        index.put([write for _, write in newest([record])[0].values()])
    index.refresh(topics.PRODUCT_ACTIVITY)
    assert [document["views"] for _, document in index.scan(topics.PRODUCT_ACTIVITY)] == [5]


def test_totals_supersede_what_was_ordered_by_stamps() -> None:
    assert version(totals(0, 0)) > version(a_record(2**40, appended_at_ms=4_000_000_000_000))
    assert version(totals(4_000_000_000, 0)) < 2**63
