"""Moves the documents of an earlier release, which kept each index in one piece, into slices.

Every step may be repeated: a migration that was killed begins again, finds what it has copied already, and
ends the same. Until the last step, which is one request, readers see the old index whole. Fields that the
documents of today do not have, such as ids, move with it: `./vitrine migrate` makes these documents anew.
"""

import logging
from itertools import islice
from typing import Any

import msgspec
from elasticsearch import Elasticsearch
from msgspec import Struct

from streaming.sinks.elasticsearch import bulk, pages
from streaming.sinks.elasticsearch.connection import available
from streaming.sinks.elasticsearch.newest import dated
from streaming.sinks.elasticsearch.slices import Slices
from streaming.sinks.elasticsearch.templates import properties
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
    further = _further_fields(client, slices.name, document)
    copied, left_out = 0, 0
    found = pages.hits(client, slices.name)
    while batch := list(islice(found, BATCH)):
        writes = [write for hit in batch if (write := _write(slices.name, hit))]
        for month in {write.month for write in writes}:
            slices.make(month, further)
        refused = bulk.put(client, [(slices.of(write.month), write) for write in writes])
        copied += len(writes) - len(refused)
        left_out += len(batch) - len(writes) + len(refused)
    actions: list[dict[str, dict[str, str]]] = [{"remove_index": {"index": slices.name}}]
    if slices.months():
        actions.append({"add": {"index": slices.of("*"), "alias": slices.name}})
    available(client.indices.update_aliases, actions=actions)
    _log.info("migration_finished", extra={"index": slices.name, "copied": copied, "left_out": left_out})


def _further_fields(client: Elasticsearch, name: str, document: type[Struct]) -> dict[str, Any]:
    """Returns the types of the fields that the old index has and `document` has not."""
    held = available(client.indices.get_mapping, index=name)[name]["mappings"].get("properties", {})
    known = properties(document)
    return {field: of for field, of in held.items() if field not in known}


def _write(name: str, hit: dict[str, Any]) -> Write | None:
    """Returns a document of the old index as a write; None if it has no time: no release has written such."""
    return dated(name, hit["_id"], hit["_version"], _encode(hit["_source"]))
