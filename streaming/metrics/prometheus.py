"""Serves declared metrics to Prometheus over HTTP."""

import logging
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from streaming.metrics import door
from streaming.metrics.kinds import Counter, Histogram, Reading
from streaming.settings import MetricsSettings

_log = logging.getLogger(__name__)
_Values = tuple[str, ...]


class _Sizes:
    """One histogram with one set of labels, as HistogramMetricFamily needs it."""

    def __init__(self, buckets: int) -> None:
        self.counts, self.sum = [0] * (buckets + 1), 0.0


class PrometheusMeter(Collector):
    """A Meter that Prometheus can read. It is a custom collector because figures come summed per batch: the
    client library's `Histogram` takes one value per call, at 0.7 µs each, while a batch has thousands and the
    gate has 26 µs per session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[Counter, dict[_Values, float]] = defaultdict(lambda: defaultdict(float))
        self._sizes: dict[Histogram, dict[_Values, _Sizes]] = defaultdict(dict)

    def add(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        values = metric.values_of(labels)
        with self._lock:
            self._totals[metric][values] += amount

    def observe(self, metric: Histogram, values: Mapping[float, int], **labels: str) -> None:
        of = metric.values_of(labels)
        with self._lock:
            sizes = self._sizes[metric].setdefault(of, _Sizes(len(metric.buckets)))
            for value, times in values.items():
                sizes.counts[bisect_left(metric.buckets, value)] += times
                sizes.sum += value * times

    def collect(self) -> Iterator[Family]:
        with self._lock:
            families = [*self._counters(), *self._histograms()]
        yield from families

    def _counters(self) -> Iterator[Family]:
        for metric, totals in self._totals.items():
            counter = CounterMetricFamily(
                metric.name, metric.meaning, labels=[label.name for label in metric.labels]
            )
            for values, total in totals.items():
                counter.add_metric(values, total)
            yield counter

    def _histograms(self) -> Iterator[Family]:
        for metric, by_values in self._sizes.items():
            histogram = HistogramMetricFamily(
                metric.name, metric.meaning, labels=[label.name for label in metric.labels]
            )
            bounds = [*(str(float(bound)) for bound in metric.buckets), "+Inf"]
            for values, sizes in by_values.items():
                buckets = list(zip(bounds, map(float, accumulate(sizes.counts)), strict=True))
                histogram.add_metric(values, buckets, sizes.sum)
            yield histogram


class PrometheusReadings(Collector):
    """Readings as Prometheus needs them; calls `readings` for each request."""

    def __init__(self, readings: Callable[[], Iterable[Reading]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Family]:
        families: dict[str, CounterMetricFamily | GaugeMetricFamily] = {}
        for reading in self._readings():
            metric = reading.metric
            if (family := families.get(metric.name)) is None:
                of_kind = CounterMetricFamily if isinstance(metric, Counter) else GaugeMetricFamily
                names = [label.name for label in metric.labels]
                family = families[metric.name] = of_kind(metric.name, metric.meaning, labels=names)
            family.add_metric(metric.values_of(reading.labels), reading.value)
        yield from families.values()


def serve(settings: MetricsSettings) -> PrometheusMeter | None:
    """Returns a meter whose figures are served at /metrics, beside the client library's own process metrics;
    None if no port is set. If the port is taken, logs an error and returns None: a stage can work without."""
    if not settings.port:
        return None
    meter, registry = PrometheusMeter(), CollectorRegistry()
    registry.register(meter)
    ProcessCollector(registry=registry)
    try:
        listening = door.server(settings, make_wsgi_app(registry))
    except OSError as error:
        _log.error(
            "metrics_port_taken",
            extra={"port": settings.port, "cause": error.strerror, "remedy": "set VITRINE_METRICS_PORT"},
        )
        return None
    threading.Thread(target=listening.serve_forever, name="metrics", daemon=True).start()
    return meter
