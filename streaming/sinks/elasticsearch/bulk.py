"""Bulk requests to Elasticsearch: bodies are sent unchanged, and the higher version of an id wins."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from elasticsearch import ApiError, Elasticsearch
from msgspec import Struct

from streaming.sinks.elasticsearch.connection import NOT_FOUND, PASSING, available
from streaming.sinks.port import Refusal, Write
from streaming.stores import StoreUnavailable

BULK_BYTES = 8_000_000
"""Size at which a bulk request is sent."""

_OLDER = 409
_GONE = 404
_TOO_LARGE = 413

_encode = msgspec.json.Encoder().encode
_ORDER = b'{"index":{"_index":%b,"_id":%b,"version":%d,"version_type":"external_gte"}}'
_DELETE = b'{"delete":{"_index":%b,"_id":%b,"version":%d,"version_type":"external_gte"}}'
_ANSWER = ["errors", "items.*.status", "items.*.error.type", "items.*.error.reason"]


class Removal(Struct, frozen=True):
    """A document that is to go, unless it has a higher version by now."""

    slice_name: str
    id: str
    version: int


def put(client: Elasticsearch, writes: Sequence[tuple[str, Write]]) -> list[Refusal]:
    """Writes each document into the slice of the full name beside it. Returns what Elasticsearch will never
    take. Raises StoreUnavailable, having written some."""
    refused: list[Refusal] = []
    for request in _requests(writes, refused):
        refused += _put(client, request)
    return refused


def remove(client: Elasticsearch, removals: Sequence[Removal]) -> None:
    """Deletes documents; those that are gone or newer are left. Raises StoreUnavailable, having deleted
    some."""
    if not removals:
        return
    lines = [_DELETE % (_encode(one.slice_name), _encode(one.id), one.version) for one in removals]
    body: Any = b"\n".join([*lines, b""])
    answer = available(client.bulk, body=body, filter_path=_ANSWER)
    for item in answer["items"] if answer["errors"] else ():
        status, error = item["delete"]["status"], item["delete"].get("error", {})
        if status >= 300 and status not in (_OLDER, _GONE):
            raise StoreUnavailable(f"Elasticsearch did not delete documents ({status} {error.get('type')})")


def _requests(
    writes: Sequence[tuple[str, Write]], refused: list[Refusal]
) -> Iterator[Sequence[tuple[str, Write]]]:
    """Yields `writes` in parts of about BULK_BYTES. Adds to `refused` what no request can hold."""
    chunk: list[tuple[str, Write]] = []
    chunk_bytes = 0
    for slice_name, write in writes:
        if b"\n" in write.body:
            # It would end the line, and the rest be taken for orders of its own.
            refused.append(Refusal(write, "not_one_line", "a line feed outside of strings"))
            continue
        if chunk and chunk_bytes + len(write.body) > BULK_BYTES:
            yield chunk
            chunk, chunk_bytes = [], 0
        chunk.append((slice_name, write))
        chunk_bytes += len(write.body)
    if chunk:
        yield chunk


def _put(client: Elasticsearch, writes: Sequence[tuple[str, Write]]) -> list[Refusal]:
    """Sends `writes` in one request. A request that Elasticsearch refuses as a whole is halved until the
    refused write is alone."""
    lines: list[bytes] = []
    for slice_name, write in writes:
        lines.append(_ORDER % (_encode(slice_name), _encode(write.id), write.version))
        lines.append(write.body)
    lines.append(b"")
    body: Any = b"\n".join(lines)  # the client passes bytes on as they are
    try:
        answer = available(client.bulk, body=body, filter_path=_ANSWER)
    except ApiError as error:
        if error.status_code not in (400, _TOO_LARGE):
            raise
        if len(writes) == 1:
            return [Refusal(writes[0][1], error.error, str(error.status_code))]
        half = len(writes) // 2
        return _put(client, writes[:half]) + _put(client, writes[half:])
    return _refusals(writes, answer["items"]) if answer["errors"] else []


def _refusals(writes: Sequence[tuple[str, Write]], items: Sequence[dict[str, Any]]) -> list[Refusal]:
    """Returns the writes that Elasticsearch will never accept, by its answer to each. Raises StoreUnavailable
    if it refused some only for the time being."""
    refused = []
    for (_, write), item in zip(writes, items, strict=True):
        outcome = item["index"]
        status = outcome["status"]
        if status < 300 or status == _OLDER:
            continue
        error = outcome["error"]
        if status in PASSING or error["type"] == NOT_FOUND:
            raise StoreUnavailable(f"Elasticsearch turned documents away ({status} {error['type']})")
        refused.append(Refusal(write, error["type"], error.get("reason", "")))
    return refused
