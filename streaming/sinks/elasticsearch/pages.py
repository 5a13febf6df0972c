"""Reads all documents of an index as they are at one moment, page by page."""

from collections.abc import Iterator
from typing import Any

from elasticsearch import Elasticsearch

from streaming.sinks.elasticsearch.connection import available

PAGE = 5_000
_PAGE_ALIVE = "2m"


def hits(client: Elasticsearch, name: str, query: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """Yields each document found in the index or alias `name` (only those that `query` matches, if given),
    with `_index`, `_id`, `_version` and `_source`. Raises StoreUnavailable, also if `name` does not exist."""
    moment = available(client.open_point_in_time, index=name, keep_alive=_PAGE_ALIVE)["id"]
    try:
        after: list[Any] | None = None
        while True:
            answer = available(
                client.search,
                pit={"id": moment, "keep_alive": _PAGE_ALIVE},
                sort=["_shard_doc"],
                search_after=after,
                size=PAGE,
                query=query,
                version=True,
                track_total_hits=False,
                allow_partial_search_results=False,
            )
            page = answer["hits"]["hits"]
            if not page:
                return
            yield from page
            moment, after = answer["pit_id"], page[-1]["sort"]
    finally:
        available(client.close_point_in_time, id=moment)
