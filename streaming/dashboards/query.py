"""Makes the search of a panel for a time range and a feed, and reads its response. Pure."""

import re
from typing import Any

from msgspec import Struct

from streaming.contract.time_units import DAY_MS
from streaming.dashboards.source import Column, Panel

AUTO_INTERVAL = "%autointerval%"

# Bucket widths as Kibana rounds them, so that its panels and our pages show the same bars:
# (up to this many ms, width).
_WIDTHS = (
    (500, "100ms"),
    (5_000, "1s"),
    (7_500, "5s"),
    (15_000, "10s"),
    (45_000, "30s"),
    (180_000, "1m"),
    (450_000, "5m"),
    (1_200_000, "10m"),
    (2_700_000, "30m"),
    (7_200_000, "1h"),
    (21_600_000, "3h"),
    (DAY_MS, "12h"),
    (604_800_000, "24h"),
    (1_814_400_000, "7d"),
)
_WIDEST = "30d"


class TimeRange(Struct, frozen=True):
    """[from_ms, to_ms), milliseconds since 1970-01-01T00:00Z."""

    from_ms: int
    to_ms: int

    @property
    def span_ms(self) -> int:
        return max(0, self.to_ms - self.from_ms)


def bucket_width(span_ms: int, buckets: int) -> str:
    """Returns the round Elasticsearch interval that divides `span_ms` into about `buckets` parts."""
    wanted_ms = span_ms / buckets
    return next((width for limit, width in _WIDTHS if wanted_ms <= limit), _WIDEST)


def search_body(panel: Panel, time: TimeRange, feed: str | None) -> dict[str, Any]:
    """Returns the search for the figures of `panel` within `time`, of `feed` or of all feeds.

    For window aggregates the range starts with the window in which `time` begins, and covers all feeds.
    """
    from_ms = time.from_ms - time.from_ms % (panel.window_ms or 1)
    filters: list[dict[str, Any]] = [
        {"range": {panel.time_field: {"gte": from_ms, "lt": time.to_ms, "format": "epoch_millis"}}}
    ]
    if feed is not None and panel.window_ms is None:
        filters.append({"term": {"feed": feed}})
    return {
        "size": 0,
        "track_total_hits": True,
        "query": {"bool": {"filter": filters}},
        "aggs": _with_widths(panel.aggs, time.span_ms),
    }


def _with_widths(aggs: Any, span_ms: int) -> Any:
    """Returns `aggs` with a fixed interval instead of each automatic one."""
    if isinstance(aggs, list):
        return [_with_widths(part, span_ms) for part in aggs]
    if not isinstance(aggs, dict):
        return aggs
    expanded = {}
    for key, value in aggs.items():
        if key == "interval" and isinstance(value, dict) and AUTO_INTERVAL in value:
            expanded["fixed_interval"] = bucket_width(span_ms, value[AUTO_INTERVAL])
        else:
            expanded[key] = _with_widths(value, span_ms)
    return expanded


def value_at(document: Any, path: str) -> Any:
    """Returns the value at `path` (`a.b[0].c`) of `document`; None if a step is missing."""
    for step in re.findall(r"[^.\[\]]+", path):
        if isinstance(document, list):
            document = document[int(step)] if int(step) < len(document) else None
        elif isinstance(document, dict):
            document = document.get(step)
        else:
            return None
    return document


def rows(panel: Panel, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the rows of `panel` in Elasticsearch's `answer`."""
    found = value_at(answer, panel.rows)
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def figure(column: Column, row: dict[str, Any]) -> Any:
    """Returns what `column` shows for `row`: the value, or its ratio; None if there is none."""
    value = value_at(row, column.field)
    if column.per is None or value is None:
        return value
    divisor = value_at(row, column.per)
    return value / divisor if divisor else None
