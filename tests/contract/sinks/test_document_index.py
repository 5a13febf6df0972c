"""What every DocumentIndex does: the stand-in, and the running Elasticsearch."""

from typing import Literal

import msgspec
import pytest
from elasticsearch import Elasticsearch
from msgspec import Struct

from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch import index as real
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.port import DocumentIndex, Write
from streaming.stores import StoreUnavailable

INDEX = "things"


class Thing(Struct, rename="camel", kw_only=True):
    name: str
    kind: Literal["a", "b"] = "a"
    count: int = 0
    price: float = 0.5
    seen_ms: int = 0
    known: bool = False
    tags: list[str] = []
    note: str | None = None


class WiderThing(Thing, rename="camel", kw_only=True):
    more: int = 0


@pytest.fixture(params=["remembered", "elasticsearch"])
def index(request: pytest.FixtureRequest) -> DocumentIndex:
    found: DocumentIndex = (
        InMemoryIndex()
        if request.param == "remembered"
        else real.ElasticsearchIndex(request.getfixturevalue("elasticsearch"))
    )
    found.prepare(INDEX, Thing)
    return found


def a_write(id_: str, version: int = 1, **fields: object) -> Write:
    return Write(INDEX, id_, version, msgspec.json.encode(Thing(name=id_, **fields)))  # type: ignore[arg-type]


def found(index: DocumentIndex) -> dict[str, dict[str, object]]:
    index.refresh(INDEX)
    return dict(index.scan(INDEX))


def test_nothing_is_there_at_first(index: DocumentIndex) -> None:
    assert found(index) == {}
    assert index.count(INDEX) == 0
    assert index.put([]) == []


def test_what_was_put_is_found_as_it_was(index: DocumentIndex) -> None:
    odd = 'quo"te\\ \u2028 é😀'
    writes = [a_write(f"id {n}", count=n, price=n / 3, tags=["x", odd], note=None) for n in range(50)]
    assert index.put([*writes, a_write(odd)]) == []
    documents = found(index)
    assert documents == {write.id: msgspec.json.decode(write.body) for write in [*writes, a_write(odd)]}
    assert index.count(INDEX) == 51


def test_the_higher_version_stands_in_whatever_order(index: DocumentIndex) -> None:
    index.put([a_write("a", 5, count=5)])
    assert index.put([a_write("a", 3, count=3), a_write("b", 1, count=1)]) == []
    assert {id_: document["count"] for id_, document in found(index).items()} == {"a": 5, "b": 1}
    index.put([a_write("a", 2**61, count=7)])
    assert found(index)["a"]["count"] == 7


def test_the_same_version_may_be_written_again(index: DocumentIndex) -> None:
    index.put([a_write("a", 5, count=5)])
    assert index.put([a_write("a", 5, count=5)]) == []
    assert found(index)["a"]["count"] == 5


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "x", "secret": 1}',
        b'{"name": "x", "count": "many"}',
        b"no JSON",
        b"[]",
        b'{"name":\n"x"}',
        b'{"name": "x"}\n{"delete": {"_id": "good"}}\n',
    ],
)
def test_what_can_never_be_taken_is_handed_back_and_stops_nothing(index: DocumentIndex, body: bytes) -> None:
    bad = Write(INDEX, "bad", 1, body)
    refusals = index.put([a_write("good"), bad, a_write("also good")])
    assert [refusal.write for refusal in refusals] == [bad]
    assert refusals[0].reason
    assert set(found(index)) == {"good", "also good"}


def test_preparing_again_keeps_the_documents_and_adds_fields(index: DocumentIndex) -> None:
    index.put([a_write("a")])
    index.prepare(INDEX, WiderThing)
    assert index.put([Write(INDEX, "wide", 1, msgspec.json.encode(WiderThing(name="w", more=1)))]) == []
    assert set(found(index)) == {"a", "wide"}


def test_an_index_that_is_gone_is_to_be_tried_again(elasticsearch: ElasticsearchSettings) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    _client(elasticsearch).indices.delete(index=index.name(INDEX))
    with pytest.raises(StoreUnavailable):
        index.put([a_write("a")])
    index.prepare(INDEX, Thing)
    assert index.put([a_write("a")]) == []


def test_an_absent_server_is_to_be_tried_again() -> None:
    absent = real.ElasticsearchIndex(ElasticsearchSettings(url="http://127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        absent.put([a_write("a")])
    with pytest.raises(StoreUnavailable):
        absent.prepare(INDEX, Thing)


def test_an_id_too_long_for_the_server_is_found_out_among_many(elasticsearch: ElasticsearchSettings) -> None:
    """The server refuses the whole request then."""
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    long = a_write("x" * 513)
    refusals = index.put([a_write("a"), long, *(a_write(f"b{n}") for n in range(20))])
    assert [refusal.write for refusal in refusals] == [long]
    assert len(found(index)) == 21


class Former(Struct, rename="camel"):
    """The document of an earlier release, with a field more."""

    name: str
    user_id: str


def test_an_index_with_other_fields_is_dropped_and_one_without_is_kept(index: DocumentIndex) -> None:
    index.put([a_write("kept")])
    index.drop_if_other(INDEX, Thing)
    assert set(found(index)) == {"kept"}
    index.drop_if_other("former things", Former)
    index.drop_if_other(INDEX, Former)
    index.prepare(INDEX, Former)
    assert found(index) == {}
    index.put([Write(INDEX, "old", 1, msgspec.json.encode(Former(name="a", user_id="u")))])
    index.drop_if_other(INDEX, Thing)
    index.prepare(INDEX, Thing)
    assert found(index) == {}


def test_pages_and_long_requests_join(
    elasticsearch: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real, "PAGE", 7)
    monkeypatch.setattr(real, "BULK_BYTES", 500)
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    assert index.put([a_write(f"{n}") for n in range(40)]) == []
    assert set(found(index)) == {f"{n}" for n in range(40)}


def test_fields_have_the_types_their_values_need(elasticsearch: ElasticsearchSettings) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    answer = _client(elasticsearch).indices.get(index=index.name(INDEX))[index.name(INDEX)]
    assert answer["mappings"]["dynamic"] == "strict"
    assert {name: field["type"] for name, field in answer["mappings"]["properties"].items()} == {
        "name": "keyword",
        "kind": "keyword",
        "count": "long",
        "price": "double",
        "seenMs": "date",
        "known": "boolean",
        "tags": "keyword",
        "note": "keyword",
    }
    assert answer["settings"]["index"]["number_of_shards"] == "1"
    assert answer["settings"]["index"]["refresh_interval"] == "1s"


def _client(settings: ElasticsearchSettings) -> Elasticsearch:
    return real.client(settings)
