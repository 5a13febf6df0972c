"""Prometheus' own parser reads at /metrics what a stage has reported to its observer."""

import random
import urllib.request
from collections import Counter

import prometheus_client
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from waiting import HUNG_S, free_port

from streaming.metrics import catalogue, prometheus
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.metrics.prometheus import PrometheusMeter
from streaming.settings import MetricsSettings


def registry_of(meter: PrometheusMeter) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(meter)
    return registry


def test_batches_are_counted_and_timed() -> None:
    meter = PrometheusMeter()
    observer = Observer("gate", meter, catalogue.OF_GATE, now_s=lambda: 100.0)
    observer.batch(5, 0.2)
    observer.batch(3, 70)
    observer.observe_latency([99_900, 99_900, 40_000, 101_000])  # the last one by a clock that is ahead
    observer.count(catalogue.OUTCOMES, 4, outcome="valid")
    observer.away(1.5)
    observer.away(0.5)
    value = registry_of(meter).get_sample_value
    stage = {"stage": "gate"}
    assert value("vitrine_records_total", stage) == 8
    assert value("vitrine_batch_seconds_count", stage) == 2
    assert value("vitrine_batch_seconds_sum", stage) == 70.2
    assert value("vitrine_batch_seconds_bucket", stage | {"le": "0.1"}) == 0
    assert value("vitrine_batch_seconds_bucket", stage | {"le": "0.25"}) == 1
    assert value("vitrine_batch_seconds_bucket", stage | {"le": "+Inf"}) == 2
    assert value("vitrine_latency_seconds_count", stage) == 4
    assert value("vitrine_latency_seconds_sum", stage) == 60.2
    assert value("vitrine_latency_seconds_bucket", stage | {"le": "0.05"}) == 1
    assert (
        value("vitrine_latency_seconds_bucket", stage | {"le": "0.1"}) == 3
    )  # a bound belongs to its bucket
    assert value("vitrine_outcomes_total", {"outcome": "valid"}) == 4
    assert value("vitrine_outcomes_total", {"outcome": "duplicate"}) == 0
    assert value("vitrine_recoveries_total") == 0
    assert value("vitrine_store_away_seconds_total", stage) == 2


def test_a_histogram_equals_the_librarys_own() -> None:
    metric, drawn = catalogue.LATENCY_SECONDS, random.Random(1)
    values = [*metric.buckets, 0, 1e6, *(drawn.choice((1, 10, 1000)) * drawn.random() for _ in range(1000))]
    oracle = prometheus_client.Histogram(
        metric.name, metric.meaning, ["stage"], buckets=metric.buckets, registry=CollectorRegistry()
    )
    meter = PrometheusMeter()
    for begin in range(0, len(values), 100):
        meter.observe(metric, Counter(values[begin : begin + 100]), stage="gate")
    for value in values:
        oracle.labels("gate").observe(value)
    [ours], [theirs] = meter.collect(), oracle.collect()
    assert (ours.name, ours.type, ours.documentation) == (theirs.name, theirs.type, theirs.documentation)
    # Only the library's also contains the time of its creation.
    expected = {
        (one.name, *one.labels.items()): one.value for one in theirs.samples if "_created" not in one.name
    }
    got = {(one.name, *one.labels.items()): one.value for one in ours.samples}
    assert got.keys() == expected.keys()
    total = ("vitrine_latency_seconds_sum", ("stage", "gate"))
    assert abs(got.pop(total) - expected.pop(total)) < 1e-6  # floats added up in another order
    assert got == expected


def test_without_a_meter_nothing_is_computed() -> None:
    NULL_OBSERVER.batch(1, 1)
    NULL_OBSERVER.observe_latency(iter("these are no times"))  # type: ignore[arg-type]


def test_the_output_parses_and_a_second_process_on_the_port_works_without_metrics() -> None:
    port = free_port()
    meter = prometheus.serve(MetricsSettings(port=port))
    assert meter is not None
    Observer("store", meter).batch(7, 0.1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HUNG_S) as page:
        families = {family.name: family for family in text_string_to_metric_families(page.read().decode())}
    assert families["vitrine_records"].samples[0].value == 7
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
    assert prometheus.serve(MetricsSettings(port=port)) is None
    assert prometheus.serve(MetricsSettings(port=0)) is None
