"""Documents in Elasticsearch 8, in slices by month."""

import time
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from streaming.contract.months import month_of
from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch import bulk, migration, pages
from streaming.sinks.elasticsearch.bulk import Removal
from streaming.sinks.elasticsearch.connection import available, client
from streaming.sinks.elasticsearch.slices import Slices
from streaming.sinks.elasticsearch.templates import properties
from streaming.sinks.port import Refusal, Write
from streaming.stores import Document, StoreUnavailable


class ElasticsearchIndex:
    """A DocumentIndex."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._client = client(settings)
        self._settings = settings
        self._slices: dict[str, Slices] = {}

    def name(self, index: str) -> str:
        """Returns the full name of `index` on this cluster: that of the alias over its slices."""
        return self._settings.index_prefix + index

    def prepare(self, index: str, document: type[Struct]) -> None:
        """The template first, so that a slice made by anyone is the same; then the slice of this month, so
        that the alias is there, and in older ones the fields they lack, and the alias. What an earlier
        release kept in one index moves into slices. Raises BadRequestError if a field has another type."""
        slices = self._of(index)
        slices.forget()
        if migration.is_due(self._client, slices):
            migration.migrate(self._client, slices, document)
        slices.put_template(document)
        slices.add_fields(document)
        slices.add_alias()
        slices.make(month_of(time.time_ns() // 1_000_000))
        available(
            self._client.cluster.health, index=self.name(index), wait_for_status="yellow", timeout="20s"
        )

    def drop_if_other(self, index: str, document: type[Struct]) -> None:
        """Also the whole index of an earlier release that kept it in one piece, and slices into which it was
        moving: until the move ends, these have no alias."""
        known = properties(document).keys()
        found = available(
            self._client.indices.get_mapping,
            index=[self.name(index), self._of(index).of("*")],
            ignore_unavailable=True,
            allow_no_indices=True,
        )
        for slice_name, held in found.items():
            if held["mappings"].get("properties", {}).keys() - known:
                available(self._client.indices.delete, index=slice_name, ignore_unavailable=True)
        self._of(index).forget()

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        by_index: dict[str, list[Write]] = {}
        for write in writes:
            by_index.setdefault(write.index, []).append(write)
        for index, of_index in by_index.items():
            self._make_slices(index, {write.month for write in of_index})
        try:
            refused = bulk.put(self._client, [(self._of(one.index).of(one.month), one) for one in writes])
        except StoreUnavailable:
            for slices in self._slices.values():
                slices.forget()
            raise
        left_out = {(one.write.index, one.write.id) for one in refused}
        for index, of_index in by_index.items():
            moving = [one for one in of_index if one.moves and (index, one.id) not in left_out]
            if moving:
                self._of(index).supersede(moving)
        return refused

    def refresh(self, index: str) -> None:
        available(self._client.indices.refresh, index=self.name(index), ignore_unavailable=True)

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        return ((id_, body) for id_, _, body in self.versions(index))

    def versions(self, index: str) -> Iterator[tuple[str, int, Document]]:
        if available(self._client.indices.exists, index=self.name(index)):
            for hit in pages.hits(self._client, self.name(index)):
                yield hit["_id"], hit["_version"], hit["_source"]

    def count(self, index: str) -> int:
        answer = available(self._client.count, index=self.name(index), ignore_unavailable=True)
        return int(answer["count"])

    def find(self, index: str, field: str, value: str) -> Iterator[tuple[str, Document]]:
        if available(self._client.indices.exists, index=self.name(index)):
            for hit in pages.hits(self._client, self.name(index), {"term": {field: value}}):
                yield hit["_id"], hit["_source"]

    def remove(self, index: str, field: str, value: str) -> int:
        if not available(self._client.indices.exists, index=self.name(index)):
            return 0
        self.refresh(index)
        found, gone = pages.hits(self._client, self.name(index), {"term": {field: value}}), 0
        while page := list(islice(found, pages.PAGE)):
            bulk.remove(self._client, [Removal(hit["_index"], hit["_id"], hit["_version"]) for hit in page])
            gone += len(page)
        return gone

    def months(self, index: str) -> dict[str, int]:
        slices = self._of(index)
        return {
            month: int(available(self._client.count, index=slices.of(month))["count"])
            for month in slices.months()
        }

    def drop(self, index: str, month: str) -> None:
        slices = self._of(index)
        available(self._client.indices.delete, index=slices.of(month), ignore_unavailable=True)
        slices.forget()

    def _of(self, index: str) -> Slices:
        if index not in self._slices:
            self._slices[index] = Slices(self._client, self.name(index), self._settings.replicas)
        return self._slices[index]

    def _make_slices(self, index: str, months: set[str]) -> None:
        slices = self._of(index)
        if not slices.has_all(months) and not available(
            self._client.indices.exists_alias, name=self.name(index)
        ):
            # Made now, a slice would not be what the template says.
            raise StoreUnavailable(f"Elasticsearch has no alias {self.name(index)}")
        for month in sorted(months):
            slices.make(month)
