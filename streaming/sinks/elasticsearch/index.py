"""Documents in Elasticsearch 8. Bodies are sent unchanged; the higher version of an id wins."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ParamSpec, TypeVar

import msgspec
from elastic_transport.client_utils import DEFAULT
from elasticsearch import ApiError, BadRequestError, Elasticsearch, TransportError
from msgspec import Struct

from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch.templates import properties, template
from streaming.sinks.port import Refusal, Write
from streaming.stores import Document, StoreUnavailable

BULK_BYTES = 8_000_000
"""Size at which a bulk request is sent."""
PAGE = 5_000
_PAGE_ALIVE = "2m"
_TIMEOUT_S = 60.0

_OLDER = 409
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_TOO_LARGE = 413

P = ParamSpec("P")
T = TypeVar("T")


_encode = msgspec.json.Encoder().encode
_ORDER = b'{"index":{"_index":%b,"_id":%b,"version":%d,"version_type":"external_gte"}}'


def client(settings: ElasticsearchSettings) -> Elasticsearch:
    """Returns a client that tries once: the stages wait and retry."""
    login = (settings.username, settings.password.get_secret_value()) if settings.username else None
    return Elasticsearch(
        settings.url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else None,
        basic_auth=login,
        ca_certs=str(settings.ca_file) if settings.ca_file else DEFAULT,
        request_timeout=_TIMEOUT_S,
        max_retries=0,
        retry_on_timeout=False,
    )


def _available(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `call`; raises a transient failure as StoreUnavailable, any other as the client's own error."""
    try:
        return call(*args, **kwargs)
    except TransportError as error:
        raise StoreUnavailable(f"Elasticsearch does not answer ({type(error).__name__})") from error
    except ApiError as error:
        if error.status_code in _PASSING or error.error == "index_not_found_exception":
            raise StoreUnavailable(f"Elasticsearch answers {error.status_code} {error.error}") from error
        raise


class ElasticsearchIndex:
    """A DocumentIndex."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._client = client(settings)
        self._settings = settings

    def name(self, index: str) -> str:
        """Returns the full name of `index` on this cluster."""
        return self._settings.index_prefix + index

    def prepare(self, index: str, document: type[Struct]) -> None:
        """The template first, so that an index made anew by anyone is the same; then the index, or in one
        that is there already the fields it lacks. Raises BadRequestError if a field has another type."""
        body = template(self.name(index), document, self._settings.replicas)
        _available(self._client.indices.put_index_template, name=self.name(index), **body)
        if _available(self._client.indices.exists, index=self.name(index)):
            _available(
                self._client.indices.put_mapping, index=self.name(index), **body["template"]["mappings"]
            )
        else:
            _available(self._create, index)
        _available(
            self._client.cluster.health, index=self.name(index), wait_for_status="yellow", timeout="20s"
        )

    def drop_if_other(self, index: str, document: type[Struct]) -> None:
        if not _available(self._client.indices.exists, index=self.name(index)):
            return
        found = _available(self._client.indices.get_mapping, index=self.name(index))
        held = found[self.name(index)]["mappings"].get("properties", {})
        if held.keys() - properties(document).keys():
            _available(self._client.indices.delete, index=self.name(index), ignore_unavailable=True)

    def put(self, writes: Sequence[Write]) -> list[Refusal]:
        refused: list[Refusal] = []
        chunk: list[Write] = []
        chunk_bytes = 0
        for write in writes:
            if b"\n" in write.body:
                # It would end the line, and the rest be taken for orders of its own.
                refused.append(Refusal(write, "not_one_line", "a line feed outside of strings"))
                continue
            if chunk and chunk_bytes + len(write.body) > BULK_BYTES:
                refused += self._bulk(chunk)
                chunk, chunk_bytes = [], 0
            chunk.append(write)
            chunk_bytes += len(write.body)
        if chunk:
            refused += self._bulk(chunk)
        return refused

    def refresh(self, index: str) -> None:
        _available(self._client.indices.refresh, index=self.name(index), ignore_unavailable=True)

    def scan(self, index: str) -> Iterator[tuple[str, Document]]:
        return ((hit["_id"], hit["_source"]) for hit in self._hits(index))

    def writes(self, index: str) -> Iterator[Write]:
        """Yields everything found in `index` at the moment the scan begins, as it can be put there again."""
        for hit in self._hits(index, version=True):
            yield Write(index, hit["_id"], hit["_version"], _encode(hit["_source"]))

    def _hits(self, index: str, **more: Any) -> Iterator[dict[str, Any]]:
        if not _available(self._client.indices.exists, index=self.name(index)):
            return
        moment = _available(self._client.open_point_in_time, index=self.name(index), keep_alive=_PAGE_ALIVE)[
            "id"
        ]
        try:
            after: list[Any] | None = None
            while True:
                answer = _available(
                    self._client.search,
                    pit={"id": moment, "keep_alive": _PAGE_ALIVE},
                    sort=["_shard_doc"],
                    search_after=after,
                    size=PAGE,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                    **more,
                )
                hits = answer["hits"]["hits"]
                if not hits:
                    return
                yield from hits
                moment, after = answer["pit_id"], hits[-1]["sort"]
        finally:
            _available(self._client.close_point_in_time, id=moment)

    def count(self, index: str) -> int:
        answer = _available(self._client.count, index=self.name(index), ignore_unavailable=True)
        return int(answer["count"])

    def _create(self, index: str) -> None:
        try:
            self._client.indices.create(index=self.name(index))
        except BadRequestError as error:
            if error.error != "resource_already_exists_exception":  # another instance was faster
                raise

    def _bulk(self, writes: Sequence[Write]) -> list[Refusal]:
        """Sends `writes` in one request. A request that Elasticsearch refuses as a whole is halved until the
        refused write is alone."""
        lines: list[bytes] = []
        for write in writes:
            lines.append(_ORDER % (_encode(self.name(write.index)), _encode(write.id), write.version))
            lines.append(write.body)
        lines.append(b"")
        body: Any = b"\n".join(lines)  # the client passes bytes on as they are
        try:
            answer = _available(
                self._client.bulk,
                body=body,
                filter_path=["errors", "items.*.status", "items.*.error.type", "items.*.error.reason"],
            )
        except ApiError as error:
            if error.status_code not in (400, _TOO_LARGE):
                raise
            if len(writes) == 1:
                return [Refusal(writes[0], error.error, str(error.status_code))]
            half = len(writes) // 2
            return self._bulk(writes[:half]) + self._bulk(writes[half:])
        return _refusals(writes, answer["items"]) if answer["errors"] else []


def _refusals(writes: Sequence[Write], items: Sequence[dict[str, Any]]) -> list[Refusal]:
    """Returns the writes that Elasticsearch will never accept, by its answer to each. Raises StoreUnavailable
    if it refused some only for the time being."""
    refused = []
    for write, item in zip(writes, items, strict=True):
        outcome = item["index"]
        status = outcome["status"]
        if status < 300 or status == _OLDER:
            continue
        error = outcome["error"]
        if status in _PASSING or error["type"] == "index_not_found_exception":
            raise StoreUnavailable(f"Elasticsearch turned documents away ({status} {error['type']})")
        refused.append(Refusal(write, error["type"], error.get("reason", "")))
    return refused
