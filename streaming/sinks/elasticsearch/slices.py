"""The slices of one index in Elasticsearch: an index of its own for each month, all behind one alias.

The alias has the name of the index, so that readers need not know of slices. The template gives it to each
slice that is made."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch
from msgspec import Struct

from streaming.sinks.elasticsearch import bulk
from streaming.sinks.elasticsearch.bulk import Removal
from streaming.sinks.elasticsearch.connection import available
from streaming.sinks.elasticsearch.templates import template
from streaming.sinks.port import Write
from streaming.stores import StoreUnavailable

ASKED_AT_ONCE = 5_000
"""Ids of one search for other versions. Of each there is one other at most, unless a process died just then,
and a search returns twice as many."""
_FULL = "shards open"
"""In the text of Elasticsearch's refusal at its limit; the type of that error stands for other faults too."""

NO_FIELDS: Mapping[str, Any] = {}


class Slices:
    """The slices behind the alias `name`, the full name on this cluster."""

    def __init__(self, client: Elasticsearch, name: str, replicas: int) -> None:
        self._client, self.name, self._replicas = client, name, replicas
        self._known: set[str] = set()

    def of(self, month: str) -> str:
        """Returns the full name of a slice."""
        return f"{self.name}-{month}"

    def put_template(self, document: type[Struct], with_alias: bool = True) -> None:
        """Says what every slice will be that is made from now on."""
        body = template(self.name, document, self._replicas, with_alias)
        available(self._client.indices.put_index_template, name=self.name, **body)

    def add_fields(self, document: type[Struct]) -> None:
        """Adds to the slices that are there the fields that they lack. Raises BadRequestError if a field has
        another type."""
        mappings = template(self.name, document, self._replicas)["template"]["mappings"]
        for slice_name in map(self.of, self.months()):
            available(self._client.indices.put_mapping, index=slice_name, **mappings)

    def add_alias(self) -> None:
        """Gives the slices that are there their alias. Those of a move that did not end have none, if the old
        index is gone. No index may have the name of the alias."""
        if self.months():
            add = {"add": {"index": self.of("*"), "alias": self.name}}
            available(self._client.indices.update_aliases, actions=[add])

    def months(self) -> list[str]:
        """Returns the months that have a slice, in order."""
        found = available(self._client.indices.get_settings, index=self.of("*"), allow_no_indices=True)
        months = (name.removeprefix(self.of("")) for name in found)
        return sorted(filter(re.compile(r"\d{4}-\d\d").fullmatch, months))

    def has_all(self, months: Collection[str]) -> bool:
        """True if all these slices were there when they were last needed."""
        return self._known.issuperset(months)

    def make(self, month: str, further: Mapping[str, Any] = NO_FIELDS) -> None:
        """Makes a slice unless it is there, with `further` fields, mappings by name, too. Raises
        StoreUnavailable also if the cluster has as many shards as it may."""
        if month in self._known:
            return
        mappings = {"properties": dict(further)} if further else None
        try:
            available(self._client.indices.create, index=self.of(month), mappings=mappings)
        except BadRequestError as error:
            if _FULL in str(error.body):
                raise StoreUnavailable(
                    f"Elasticsearch makes no slice {self.of(month)}: it has as many shards as its limit "
                    "(cluster.max_shards_per_node) allows. Raise that, or delete months: "
                    "VITRINE_RETENTION_WINDOWS_DAYS and the like, then ./vitrine retention"
                ) from error
            if error.error != "resource_already_exists_exception":  # another instance was faster
                raise
        self._known.add(month)

    def forget(self) -> None:
        """Looks again, when a slice is needed, whether it is there: somebody may have deleted it."""
        self._known.clear()

    def supersede(self, writes: Sequence[Write]) -> None:
        """Deletes, of each id among `writes`, which were written, and of what other slices have of it, all
        but the newest version."""
        by_month: dict[str, dict[str, int]] = {}
        for write in writes:
            by_month.setdefault(write.month, {})[write.id] = write.version
        if len(by_month) > 1:
            available(self._client.indices.refresh, index=self.name)
        for month, versions in by_month.items():
            if len(by_month) == 1:
                # A refresh of slices that nobody writes to costs nothing; that of the own one would.
                available(self._client.indices.refresh, index=f"{self.of('*')},-{self.of(month)}")
            ids = list(versions)
            for first in range(0, len(ids), ASKED_AT_ONCE):
                self._supersede(month, {id_: versions[id_] for id_ in ids[first : first + ASKED_AT_ONCE]})

    def _supersede(self, month: str, versions: Mapping[str, int]) -> None:
        own = self.of(month)
        answer = available(
            self._client.search,
            index=self.name,
            query={
                "bool": {
                    "filter": [{"ids": {"values": list(versions)}}],
                    "must_not": [{"term": {"_index": own}}],
                }
            },
            size=2 * ASKED_AT_ONCE,
            source=False,
            version=True,
            track_total_hits=False,
            allow_partial_search_results=False,
        )
        removals = []
        for hit in answer["hits"]["hits"]:
            id_, version = hit["_id"], versions[hit["_id"]]
            if hit["_version"] <= version:
                removals.append(Removal(hit["_index"], id_, hit["_version"]))
            else:
                removals.append(Removal(own, id_, version))
        bulk.remove(self._client, removals)
