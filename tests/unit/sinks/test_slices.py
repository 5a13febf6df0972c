"""Slices and their alias, on a stand-in of Elasticsearch that knows indices, mappings and aliases.

The same on the real one: tests/contract/sinks/test_document_index.py.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import BadRequestError, NotFoundError
from msgspec import Struct

from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch import index as real
from streaming.sinks.elasticsearch.templates import template
from streaming.stores import StoreUnavailable

INDEX, MONTH = "things", "2026-10"
SLICE = f"{INDEX}-{MONTH}"


class Thing(Struct, rename="camel", kw_only=True):
    name: str


class FormerThing(Thing, rename="camel", kw_only=True):
    user_id: str = "u"


def answer(status: int) -> ApiResponseMeta:
    return ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "127.0.0.1", 9200))


class Cluster:
    """The client, its `indices` and its `cluster` in one."""

    def __init__(self) -> None:
        self.mappings: dict[str, dict[str, Any]] = {}
        self.aliases: dict[str, set[str]] = {}
        self.templates: dict[str, Any] = {}
        self.full = False
        self.indices = self.cluster = self

    def hold(self, index: str, document: type[Struct]) -> None:
        self.mappings[index] = template(INDEX, document, 0)["template"]["mappings"]

    def _matching(self, index: str | Sequence[str]) -> list[str]:
        names = [index] if isinstance(index, str) else index
        return [
            one
            for one in self.mappings
            if any(fnmatch(one, name) or name in self.aliases.get(one, ()) for name in names)
        ]

    def exists(self, index: str) -> bool:
        return bool(self._matching(index))

    def exists_alias(self, name: str) -> bool:
        return any(name in held for held in self.aliases.values())

    def put_index_template(self, name: str, **body: Any) -> None:
        self.templates[name] = body["template"]

    def get_settings(self, index: str, **_: object) -> Mapping[str, object]:
        return {name: {} for name in self._matching(index)}

    def get_mapping(self, index: str | Sequence[str], **_: object) -> Mapping[str, object]:
        return {name: {"mappings": self.mappings[name]} for name in self._matching(index)}

    def put_mapping(self, index: str, **mappings: Any) -> None:
        self.mappings[index]["properties"] |= mappings["properties"]

    def create(self, index: str, mappings: object) -> None:
        if index in self.mappings:
            raise BadRequestError("resource_already_exists_exception", answer(400), {})
        if self.full:
            reason = "this cluster currently has [1000]/[1000] maximum normal shards open"
            raise BadRequestError("validation_exception", answer(400), {"error": {"reason": reason}})
        body = self.templates[INDEX]
        self.mappings[index], self.aliases[index] = body["mappings"], set(body["aliases"])

    def delete(self, index: str, **_: object) -> None:
        for name in self._matching(index):
            self.mappings.pop(name)
            self.aliases.pop(name, None)

    def update_aliases(self, actions: Sequence[Mapping[str, Mapping[str, str]]]) -> None:
        for action in actions:
            add = action["add"]
            if not (matching := self._matching(add["index"])):
                raise NotFoundError("index_not_found_exception", answer(404), {})
            for name in matching:
                self.aliases.setdefault(name, set()).add(add["alias"])

    def health(self, **_: object) -> None:
        pass


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(real, "client", lambda settings: found)
    return found


@pytest.fixture
def index(cluster: Cluster) -> real.ElasticsearchIndex:
    return real.ElasticsearchIndex(ElasticsearchSettings(index_prefix=""))


def test_slices_of_a_move_that_was_killed_are_found_once_the_old_index_is_gone(
    cluster: Cluster, index: real.ElasticsearchIndex
) -> None:
    cluster.hold(SLICE, Thing)
    index.prepare(INDEX, Thing)
    assert len(cluster.mappings) == 2  # with that of this month
    assert all(held == {INDEX} for held in cluster.aliases.values())
    assert SLICE in cluster.aliases


def test_fields_of_an_earlier_release_go_from_slices_without_alias_too(
    cluster: Cluster, index: real.ElasticsearchIndex
) -> None:
    for former in (INDEX, SLICE):
        cluster.hold(former, FormerThing)
    cluster.hold(f"{INDEX}-2026-09", Thing)
    index.drop_if_other(INDEX, Thing)
    assert list(cluster.mappings) == [f"{INDEX}-2026-09"]
    index.prepare(INDEX, Thing)
    assert len(cluster.aliases) == 2


def test_without_any_slice_there_is_nothing_to_drop_and_nothing_to_name(
    cluster: Cluster, index: real.ElasticsearchIndex
) -> None:
    index.drop_if_other(INDEX, Thing)
    index.prepare(INDEX, Thing)
    assert list(cluster.aliases.values()) == [{INDEX}]


def test_at_the_limit_of_shards_the_index_is_away_and_says_why(
    cluster: Cluster, index: real.ElasticsearchIndex
) -> None:
    """Not a fault that ends the stage again and again: it waits, and goes on when there is room."""
    cluster.full = True
    with pytest.raises(StoreUnavailable, match=r"cluster\.max_shards_per_node"):
        index.prepare(INDEX, Thing)
    cluster.full = False
    index.prepare(INDEX, Thing)
    assert cluster.exists_alias(INDEX)
