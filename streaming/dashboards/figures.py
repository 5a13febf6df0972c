"""Reads the live figures of a dashboard from Elasticsearch."""

from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError, TransportError
from msgspec import Struct

from streaming.contract import topics
from streaming.dashboards import query
from streaming.dashboards.query import TimeRange
from streaming.dashboards.source import Dashboard
from streaming.settings import ElasticsearchSettings
from streaming.sinks.elasticsearch.connection import client

TIMEOUT_S = 10.0
IDS_PAGE = 10_000


class FiguresUnavailable(Exception):
    """Elasticsearch did not answer; the message contains what to do. Trying again later may succeed."""


class Holdings(Struct, frozen=True):
    """All feeds, and the range of event times; None if there are no sessions."""

    feeds: list[str]
    times: TimeRange | None


class PanelFigures(Struct, frozen=True, rename="camel"):
    """The rows of one panel, or the error of its query."""

    panel_id: str
    documents: int
    """The number of documents that the rows summarise."""
    rows: list[dict[str, Any]]
    error: str | None = None


class Figures:
    """Queries Elasticsearch. Uses one client; threads may share this object."""

    def __init__(self, settings: ElasticsearchSettings) -> None:
        self._url = settings.url
        self._prefix = settings.index_prefix
        self._client = client(settings).options(request_timeout=TIMEOUT_S)

    def close(self) -> None:
        self._client.close()

    def holdings(self) -> Holdings:
        """Returns the feeds and the range of event times. Raises FiguresUnavailable."""
        aggs = {
            "feeds": {"terms": {"field": "feed", "size": 100, "order": {"_key": "asc"}}},
            "first": {"min": {"field": "eventTimeMs"}},
            "last": {"max": {"field": "eventTimeMs"}},
        }
        [answer] = self._search([(topics.SESSION_SUMMARIES, {"size": 0, "aggs": aggs})])
        found = answer.get("aggregations", {})
        feeds = [bucket["key"] for bucket in query.value_at(found, "feeds.buckets") or []]
        first, last = (query.value_at(found, f"{edge}.value") for edge in ("first", "last"))
        times = None if first is None or last is None else TimeRange(int(first), int(last) + 1)
        return Holdings(feeds, times)

    def of(self, dashboard: Dashboard, time: TimeRange, feed: str | None) -> list[PanelFigures]:
        """Returns the figures of every panel of `dashboard`, in one request. Raises FiguresUnavailable."""
        searches = [(panel.index, query.search_body(panel, time, feed)) for panel in dashboard.panels]
        return [
            PanelFigures(
                panel_id=panel.id,
                documents=query.value_at(answer, "hits.total.value") or 0,
                rows=query.rows(panel, answer),
                error=query.value_at(answer, "error.reason"),
            )
            for panel, answer in zip(dashboard.panels, self._search(searches), strict=True)
        ]

    def ids(self, field: str) -> Iterator[str]:
        """Yields every value of the keyword `field` of the session summaries. Raises FiguresUnavailable."""
        after: dict[str, Any] = {}
        while True:
            source = {"size": IDS_PAGE, "sources": [{"id": {"terms": {"field": field}}}], **after}
            body = {"size": 0, "aggs": {"ids": {"composite": source}}}
            [answer] = self._search([(topics.SESSION_SUMMARIES, body)])
            found = query.value_at(answer, "aggregations.ids") or {}
            yield from (bucket["key"]["id"] for bucket in found.get("buckets", []))
            if "after_key" not in found:
                return
            after = {"after": found["after_key"]}

    def _search(self, searches: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
        # An index that does not exist yet has no figures; that is not an error.
        lines = [
            line
            for index, body in searches
            for line in ({"index": self._prefix + index, "ignore_unavailable": True}, body)
        ]
        try:
            answer = self._client.msearch(searches=lines)
        except (TransportError, ApiError) as error:
            raise FiguresUnavailable(
                f"Elasticsearch at {self._url} does not answer ({type(error).__name__}). "
                "`./vitrine status` shows whether it runs, `./vitrine up` starts it."
            ) from error
        responses: list[dict[str, Any]] = answer["responses"]
        return responses
