"""Moves the documents of an earlier release, which kept each index in one piece, into slices.

Every step may be repeated: a migration that was killed begins again, finds what it has copied already, and
ends the same. Until the last step, which is one request, readers see the old index whole.
"""

import logging
from collections.abc import Iterator
from itertools import islice

import msgspec
from elasticsearch import Elasticsearch
from msgspec import Struct

from streaming.sinks.elasticsearch import bulk, pages
from streaming.sinks.elasticsearch.connection import available
from streaming.sinks.elasticsearch.newest import month_in
from streaming.sinks.elasticsearch.slices import Slices
from streaming.sinks.port import Write

_log = logging.getLogger(__name__)
BATCH = 5_000
_encode = msgspec.json.Encoder().encode


def is_due(client: Elasticsearch, slices: Slices) -> bool:
    """True if there is an index where the alias is to be."""
    name = slices.name
    if not available(client.indices.exists, index=name):
        return False
    return not available(client.indices.exists_alias, name=name)


def migrate(client: Elasticsearch, slices: Slices, document: type[Struct]) -> None:
    """Copies every document with its version into its slice, then deletes the old index and gives its name to
    the slices, both in one step. Raises StoreUnavailable; then call it again."""
    _log.info("migration_started", extra={"index": slices.name})
    slices.put_template(document, with_alias=False)  # no alias may have the name of an index
    available(client.indices.refresh, index=slices.name)
    copied, undated = 0, 0
    found = _writes(client, slices.name)
    while batch := list(islice(found, BATCH)):
        dated = [write for write in batch if write.month]
        for month in {write.month for write in dated}:
            slices.make(month)
        refused = bulk.put(client, [(slices.of(write.month), write) for write in dated])
        copied += len(dated) - len(refused)
        undated += len(batch) - len(dated) + len(refused)
    actions: list[dict[str, dict[str, str]]] = [{"remove_index": {"index": slices.name}}]
    if slices.months():
        actions.append({"add": {"index": slices.of("*"), "alias": slices.name}})
    available(client.indices.update_aliases, actions=actions)
    _log.info("migration_finished", extra={"index": slices.name, "copied": copied, "left_out": undated})


def _writes(client: Elasticsearch, name: str) -> Iterator[Write]:
    """Yields the documents of the old index, those without a time with an empty month: no release has written
    such."""
    for hit in pages.hits(client, name):
        body = _encode(hit["_source"])
        yield Write(name, hit["_id"], hit["_version"], body, month_in(body) or "", moves=False)
