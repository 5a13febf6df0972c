"""The search of a panel, and its response."""

from typing import Any

import pytest

from streaming.dashboards import query
from streaming.dashboards.query import TimeRange
from streaming.dashboards.source import Column, Panel

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def panel(**changes: Any) -> Panel:
    return Panel(
        **{
            "id": "p",
            "title": "P",
            "question": "What?",
            "index": "session_summaries",
            "time_field": "eventTimeMs",
            "aggs": {
                "times": {"date_histogram": {"field": "eventTimeMs", "interval": {"%autointerval%": 40}}}
            },
            "rows": "aggregations.times.buckets",
            "columns": [Column("Sessions", "doc_count")],
        }
        | changes
    )


@pytest.mark.parametrize(
    ("span_ms", "buckets", "width"),
    [
        (0, 40, "100ms"),
        (HOUR_MS, 40, "1m"),
        (DAY_MS, 40, "30m"),
        (7 * DAY_MS, 40, "3h"),
        (400 * DAY_MS, 40, "7d"),
    ],
)
def test_buckets_are_round_and_about_as_many_as_requested(span_ms: int, buckets: int, width: str) -> None:
    assert query.bucket_width(span_ms, buckets) == width


def test_automatic_intervals_become_fixed_ones_and_the_source_stays_unchanged() -> None:
    asked = panel()
    body = query.search_body(asked, TimeRange(0, DAY_MS), None)
    assert body["aggs"] == {"times": {"date_histogram": {"field": "eventTimeMs", "fixed_interval": "30m"}}}
    assert asked.aggs["times"]["date_histogram"]["interval"] == {"%autointerval%": 40}


def test_a_feed_filters_sessions_but_not_window_aggregates() -> None:
    times = TimeRange(HOUR_MS + 5, DAY_MS)
    assert {"term": {"feed": "live"}} in query.search_body(panel(), times, "live")["query"]["bool"]["filter"]
    assert len(query.search_body(panel(window_ms=HOUR_MS), times, "live")["query"]["bool"]["filter"]) == 1


def test_the_first_window_is_the_one_in_which_the_range_begins() -> None:
    [filtered] = query.search_body(panel(window_ms=HOUR_MS), TimeRange(HOUR_MS + 5, DAY_MS), None)["query"][
        "bool"
    ]["filter"]
    assert filtered["range"]["eventTimeMs"]["gte"] == HOUR_MS


def test_rows_are_always_a_list() -> None:
    assert query.rows(panel(rows="aggregations"), {"aggregations": {"a": 1}}) == [{"a": 1}]
    assert query.rows(panel(), {"aggregations": {"times": {"buckets": [{"key": 1}]}}}) == [{"key": 1}]
    assert query.rows(panel(), {"hits": {}}) == []


def test_figures_follow_paths_and_divide() -> None:
    row = {"key": "a", "name": {"buckets": [{"key": "Chair"}]}, "doc_count": 4, "bought": {"doc_count": 1}}
    assert query.figure(Column("Name", "name.buckets[0].key"), row) == "Chair"
    assert query.figure(Column("Rate", "bought.doc_count", per="doc_count"), row) == 0.25
    assert query.figure(Column("Rate", "bought.doc_count", per="nothing"), row) is None
    assert query.figure(Column("None", "name.buckets[1].key"), row) is None
