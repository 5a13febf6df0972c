"""Metrics are declared as Prometheus needs them, and the page about them is up to date."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from streaming.metrics import __main__ as page
from streaming.metrics import catalogue, kinds
from streaming.metrics.kinds import Counter, Histogram, Label, Metric

ROOT = Path(__file__).parents[3]


def metrics() -> Iterable[Metric]:
    return (value for value in vars(catalogue).values() if isinstance(value, Metric))


def test_every_metric_is_listed_once() -> None:
    assert set(metrics()) == set(catalogue.ALL)
    assert len({metric.name for metric in catalogue.ALL}) == len(catalogue.ALL)


@pytest.mark.parametrize("metric", catalogue.ALL, ids=lambda metric: metric.name)
def test_names_and_buckets_are_as_prometheus_needs_them(metric: Metric) -> None:
    assert re.fullmatch("vitrine(_[a-z]+)+", metric.name)
    assert metric.name.endswith("_total") == isinstance(metric, Counter)
    assert metric.meaning
    assert all(label.meaning for label in metric.labels)
    if isinstance(metric, Histogram):
        assert metric.name.endswith("_seconds")
        assert list(metric.buckets) == sorted(set(metric.buckets))


def test_the_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "metrics.md").read_text()
    assert written == page.page(), "python -m streaming.metrics > docs/metrics.md"


def test_other_labels_than_declared_are_refused() -> None:
    metric = kinds.Counter(name="vitrine_x_total", meaning="x", labels=(Label("side", "which", ("left",)),))
    assert metric.values_of({"side": "left"}) == ("left",)
    for labels in ({}, {"side": "left", "user": "u"}, {"user": "u"}, {"side": "somebody@example.org"}):
        with pytest.raises(ValueError, match=r"has the labels|has no such value") as refused:
            metric.values_of(labels)
        assert "somebody" not in str(refused.value)
