"""What every DocumentIndex does: the stand-in, and the running Elasticsearch."""

import itertools
from typing import Literal

import msgspec
import pytest
from elasticsearch import Elasticsearch
from msgspec import Struct

from streaming.contract.months import begin_ms
from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch import bulk, connection, migration, pages, slices
from streaming.sinks.elasticsearch import index as real
from streaming.sinks.elasticsearch.memory import InMemoryIndex
from streaming.sinks.elasticsearch.templates import template
from streaming.sinks.port import DocumentIndex, Write
from streaming.stores import StoreUnavailable

INDEX = "things"
MONTH = "2026-11"
MONTHS = ("2026-10", "2026-11", "2026-12")


class Thing(Struct, rename="camel", kw_only=True):
    name: str
    event_time_ms: int = 0
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


def a_write(id_: str, version: int = 1, month: str = MONTH, **fields: object) -> Write:
    body = msgspec.json.encode(Thing(name=id_, **fields))  # type: ignore[arg-type]
    return Write(INDEX, id_, version, body, month)


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
    bad = Write(INDEX, "bad", 1, body, MONTH)
    refusals = index.put([a_write("good"), bad, a_write("also good")])
    assert [refusal.write for refusal in refusals] == [bad]
    assert refusals[0].reason
    assert set(found(index)) == {"good", "also good"}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("at_once", [True, False])
def test_of_a_document_that_moves_to_another_month_the_newest_version_stands_once(
    index: DocumentIndex, order: tuple[int, ...], at_once: bool
) -> None:
    """In whatever order its versions come, and however often; others stay as they are."""
    versions = [a_write("a", n + 1, MONTHS[n], count=n) for n in range(3)]
    others = [a_write(f"other {n}", 1, MONTHS[n]) for n in range(3)]
    assert index.put(others) == []
    written = [versions[n] for n in order]
    for again in (written, written[:1], written[::-1]):
        for n, write in enumerate(again):
            batch = [write, a_write(f"beside {n}", 1, MONTHS[n])] if at_once else [write]
            assert index.put(batch) == []
    documents = found(index)
    assert documents.pop("a")["count"] == 2
    beside = {f"beside {n}" for n in range(3)} if at_once else set()
    assert set(documents) == {one.id for one in others} | beside
    assert index.count(INDEX) == len(documents) + 1


def test_a_document_moves_back_and_forth(index: DocumentIndex) -> None:
    for version in range(1, 8):
        assert index.put([a_write("a", version, MONTHS[version % 2], count=version)]) == []
        assert [document["count"] for document in found(index).values()] == [version]


def test_what_is_refused_leaves_the_version_of_another_month(index: DocumentIndex) -> None:
    index.put([a_write("a", 1, MONTHS[0])])
    [refusal] = index.put([Write(INDEX, "a", 2, b'{"name": "a", "secret": 1}', MONTHS[1])])
    assert refusal.write.version == 2
    assert set(found(index)) == {"a"}


def test_many_move_at_once(index: DocumentIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "ASKED_AT_ONCE", 7)
    index.put([a_write(f"{n}", 1, MONTHS[n % 2], count=1) for n in range(40)])
    index.put([a_write(f"{n}", 2, MONTHS[2 - n % 2], count=2) for n in range(40)])
    documents = found(index)
    assert index.count(INDEX) == len(documents) == 40
    assert {document["count"] for document in documents.values()} == {2}


def test_a_dropped_slice_is_gone_with_its_documents_and_the_others_stay(index: DocumentIndex) -> None:
    index.put([a_write(f"{n}", month=MONTHS[n % 3]) for n in range(7)])
    index.refresh(INDEX)
    held = {month: count for month, count in index.months(INDEX).items() if count}
    assert held == {"2026-10": 3, "2026-11": 2, "2026-12": 2}
    index.drop(INDEX, "2026-10")
    index.drop(INDEX, "2026-10")
    index.drop(INDEX, "1999-01")
    assert set(found(index)) == {"1", "2", "4", "5"}
    assert "2026-10" not in index.months(INDEX)
    index.prepare(INDEX, Thing)
    assert index.put([a_write("0", month="2026-10")]) == []  # a late import
    assert set(found(index)) == {"0", "1", "2", "4", "5"}


def test_documents_of_one_word_are_removed_from_every_slice(index: DocumentIndex) -> None:
    assert index.remove(INDEX, "kind", "b") == 0
    kinds = ("a", "b", "b")
    index.put([a_write(f"{n}", 5, MONTHS[n % 3], kind=kinds[n % 2]) for n in range(12)])
    assert index.remove(INDEX, "kind", "b") == 6
    assert index.remove(INDEX, "kind", "b") == 0
    assert set(found(index)) == {f"{n}" for n in range(0, 12, 2)}
    assert index.put([a_write("1", 6, MONTHS[2])]) == []
    assert "1" in found(index)
    assert index.remove("nowhere", "kind", "b") == 0


def test_months_of_an_index_that_is_not_there(index: DocumentIndex) -> None:
    assert index.months("nowhere") == {}


def test_preparing_again_keeps_the_documents_and_adds_fields(index: DocumentIndex) -> None:
    index.put([a_write("a")])
    index.prepare(INDEX, WiderThing)
    wide = msgspec.json.encode(WiderThing(name="w", more=1))
    assert index.put([Write(INDEX, "wide", 1, wide, MONTH)]) == []
    assert set(found(index)) == {"a", "wide"}


def test_an_index_that_is_gone_is_to_be_tried_again(elasticsearch: ElasticsearchSettings) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    assert index.put([a_write("a")]) == []
    for month in index.months(INDEX):
        index.drop(INDEX, month)
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
    index.put([Write(INDEX, "old", 1, msgspec.json.encode(Former(name="a", user_id="u")), MONTH)])
    index.drop_if_other(INDEX, Thing)
    index.prepare(INDEX, Thing)
    assert found(index) == {}


def test_only_slices_with_other_fields_are_dropped(index: DocumentIndex) -> None:
    index.drop_if_other(INDEX, Former)
    index.prepare(INDEX, FormerThing)
    former = msgspec.json.encode(FormerThing(name="a"))
    index.put([Write(INDEX, "old", 1, former, MONTHS[0])])
    index.refresh(INDEX)
    index.drop_if_other(INDEX, Thing)
    index.prepare(INDEX, Thing)
    index.put([a_write("kept", month=MONTHS[2])])
    index.refresh(INDEX)
    index.drop_if_other(INDEX, Thing)
    assert set(found(index)) == {"kept"}


def test_versions_are_those_that_were_written(index: DocumentIndex) -> None:
    index.put([a_write("a", 1 << 62, MONTHS[0]), a_write("b", 7, MONTHS[1], count=3)])
    index.refresh(INDEX)
    assert {id_: (version, document["name"]) for id_, version, document in index.versions(INDEX)} == {
        "a": (1 << 62, "a"), "b": (7, "b"),
    }  # fmt: skip
    assert list(index.versions("no-such-thing")) == []


def test_pages_and_long_requests_join(
    elasticsearch: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE", 7)
    monkeypatch.setattr(bulk, "BULK_BYTES", 500)
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    assert index.put([a_write(f"{n}", month=MONTHS[n % 3]) for n in range(40)]) == []
    assert set(found(index)) == {f"{n}" for n in range(40)}


def test_fields_have_the_types_their_values_need(elasticsearch: ElasticsearchSettings) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    index.put([a_write("a", month="2026-10")])
    answer = _client(elasticsearch).indices.get(index=index.name(INDEX))[f"{index.name(INDEX)}-2026-10"]
    assert list(answer["aliases"]) == [index.name(INDEX)]
    assert answer["mappings"]["dynamic"] == "strict"
    assert {name: field["type"] for name, field in answer["mappings"]["properties"].items()} == {
        "name": "keyword",
        "eventTimeMs": "date",
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


def test_killed_before_the_older_version_is_deleted_it_stands_once_after_the_next_attempt(
    elasticsearch: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    index.prepare(INDEX, Thing)
    index.put([a_write("a", 1, MONTHS[0], count=1)])

    def killed(*_: object) -> None:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "remove", killed)
        with pytest.raises(StoreUnavailable):
            index.put([a_write("a", 2, MONTHS[1], count=2)])
    index.refresh(INDEX)
    assert index.count(INDEX) == 2
    another = real.ElasticsearchIndex(elasticsearch)
    assert another.put([a_write("a", 2, MONTHS[1], count=2)]) == []
    assert [document["count"] for document in found(another).values()] == [2]
    assert another.count(INDEX) == 1


class FormerThing(Thing, rename="camel", kw_only=True):
    """As an earlier release had it, with a field more."""

    user_id: str = "u"


class OfEarlierRelease:
    """An index in one piece, as an earlier release made it, with documents of three months."""

    def __init__(self, settings: ElasticsearchSettings, of: type[Thing] = Thing) -> None:
        self.index = real.ElasticsearchIndex(settings)
        self.name, self.client = self.index.name(INDEX), _client(settings)
        mappings = template(INDEX, of, 0)["template"]["mappings"]
        self.client.indices.create(index=self.name, mappings=mappings)
        self.documents: dict[str, dict[str, object]] = {}
        for n in range(30):
            thing = of(name=f"{n}", price=n / 3, event_time_ms=begin_ms(MONTHS[n % 3]) + n)
            document: dict[str, object] = msgspec.to_builtins(thing)
            self.documents[f"id {n}"] = document
            self.client.index(
                index=self.name, id=f"id {n}", version=100 + n, version_type="external", document=document
            )
        self.client.indices.refresh(index=self.name)

    def is_one_piece(self) -> bool:
        return self.name in self.client.indices.get(index=self.name)


def test_an_index_of_an_earlier_release_moves_into_slices_with_its_versions(
    elasticsearch: ElasticsearchSettings,
) -> None:
    old = OfEarlierRelease(elasticsearch)
    assert old.is_one_piece()
    old.index.prepare(INDEX, Thing)
    assert not old.is_one_piece()
    assert found(old.index) == old.documents
    filled = {month: count for month, count in old.index.months(INDEX).items() if count}
    assert filled == dict.fromkeys(MONTHS, 10)
    old.index.put([a_write("id 5", 104, MONTHS[2], count=1), a_write("id 6", 106, MONTHS[0], count=1)])
    documents = found(old.index)
    assert (documents["id 5"]["count"], documents["id 6"]["count"]) == (0, 1)
    assert len(documents) == old.index.count(INDEX) == 30
    old.index.prepare(INDEX, Thing)
    assert len(found(old.index)) == 30


def test_documents_with_fields_of_an_earlier_release_move_too_until_they_are_dropped(
    elasticsearch: ElasticsearchSettings,
) -> None:
    old = OfEarlierRelease(elasticsearch, FormerThing)
    old.index.prepare(INDEX, Thing)
    assert not old.is_one_piece()
    assert found(old.index) == old.documents
    fresh = a_write("fresh", month="2026-01")
    unknown = Write(INDEX, "unknown", 1, msgspec.json.encode(FormerThing(name="x")), "2026-01")
    assert [refusal.write for refusal in old.index.put([fresh, unknown])] == [unknown]
    for _ in range(2):
        old.index.drop_if_other(INDEX, Thing)
        old.index.prepare(INDEX, Thing)
        assert set(found(old.index)) == {"fresh"}
    assert old.index.put([a_write("anew", month=MONTHS[0])]) == []
    assert set(found(old.index)) == {"fresh", "anew"}


def test_an_index_in_one_piece_with_fields_of_an_earlier_release_is_dropped_whole(
    elasticsearch: ElasticsearchSettings,
) -> None:
    old = OfEarlierRelease(elasticsearch, FormerThing)
    old.index.drop_if_other(INDEX, Thing)
    old.index.prepare(INDEX, Thing)
    assert found(old.index) == {}
    assert old.index.put([a_write("a")]) == []
    assert set(found(old.index)) == {"a"}


def move_killed_at(batch: int, index: real.ElasticsearchIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins to move the index of an earlier release into slices, and dies before this batch of documents."""
    put, batches = bulk.put, itertools.count()
    monkeypatch.setattr(migration, "BATCH", 7)

    def killed_midway(*given: object) -> object:
        if next(batches) == batch:
            raise StoreUnavailable("killed")
        return put(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "put", killed_midway)
        with pytest.raises(StoreUnavailable):
            index.prepare(INDEX, Thing)


@pytest.mark.parametrize("last", [0, 1, 3])
def test_a_migration_that_was_killed_goes_on_and_readers_saw_every_document(
    elasticsearch: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    old = OfEarlierRelease(elasticsearch)
    move_killed_at(last, old.index, monkeypatch)
    assert old.is_one_piece()
    assert found(old.index) == old.documents
    another = real.ElasticsearchIndex(elasticsearch)
    another.prepare(INDEX, Thing)
    assert found(another) == old.documents
    assert another.count(INDEX) == 30


def test_documents_of_an_earlier_release_are_dropped_during_a_move_that_was_killed(
    elasticsearch: ElasticsearchSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = OfEarlierRelease(elasticsearch, FormerThing)
    move_killed_at(3, old.index, monkeypatch)
    another = real.ElasticsearchIndex(elasticsearch)
    another.drop_if_other(INDEX, Thing)
    another.prepare(INDEX, Thing)
    assert found(another) == {}
    assert another.put([a_write("anew", month=MONTHS[0])]) == []
    assert set(found(another)) == {"anew"}


def test_slices_that_lost_their_alias_get_it_again(elasticsearch: ElasticsearchSettings) -> None:
    index, client = real.ElasticsearchIndex(elasticsearch), _client(elasticsearch)
    index.prepare(INDEX, Thing)
    index.put([a_write("a", month=MONTHS[0])])
    client.indices.delete_alias(index=f"{index.name(INDEX)}-*", name=index.name(INDEX))
    index.prepare(INDEX, Thing)
    assert set(found(index)) == {"a"}


def test_an_empty_index_of_an_earlier_release_becomes_slices(elasticsearch: ElasticsearchSettings) -> None:
    index = real.ElasticsearchIndex(elasticsearch)
    _client(elasticsearch).indices.create(index=index.name(INDEX))
    index.prepare(INDEX, Thing)
    assert index.put([a_write("a")]) == []
    assert set(found(index)) == {"a"}


def _client(settings: ElasticsearchSettings) -> Elasticsearch:
    return connection.client(settings)
