"""Reports the figures of a stage: once per batch, never per message."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import product

from streaming.metrics import catalogue
from streaming.metrics.kinds import Counter as Total
from streaming.metrics.meter import Meter, Silent


class Observer:
    """`stage` is the stage's name in its figures, `own` are the metrics that only this stage has. Without a
    `meter` nothing is recorded."""

    def __init__(
        self,
        stage: str,
        meter: Meter | None = None,
        own: Iterable[Total] = (),
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._stage, self._now_s = stage, now_s
        self._meter: Meter = meter or Silent()
        self._listens = meter is not None
        if self._listens:
            self._start_at_zero(own)

    def batch(self, records: int, took_s: float) -> None:
        """Records that a batch was committed."""
        self._meter.add(catalogue.RECORDS, records, stage=self._stage)
        self._meter.observe(catalogue.BATCH_SECONDS, {took_s: 1}, stage=self._stage)

    def observe_latency(self, arrived_at_ms: Iterable[int]) -> None:
        """Records the latency of messages that arrived at these times and are now done."""
        if self._listens:
            now_ms = self._now_s() * 1000
            latencies = {
                max(0.0, (now_ms - at_ms) / 1000): times for at_ms, times in Counter(arrived_at_ms).items()
            }
            self._meter.observe(catalogue.LATENCY_SECONDS, latencies, stage=self._stage)

    def away(self, waited_s: float) -> None:
        """Records that the stage waited `waited_s` because its store is unavailable."""
        self._meter.add(catalogue.STORE_AWAY_SECONDS, waited_s, stage=self._stage)

    def count(self, metric: Total, amount: float = 1, **labels: str) -> None:
        """Adds `amount` to a metric that only this stage has."""
        self._meter.add(metric, amount, **labels)

    def _start_at_zero(self, own: Iterable[Total]) -> None:
        """Reports 0 for every counter: Prometheus sees no increase in one that appears with its first
        count."""
        for common in (catalogue.RECORDS, catalogue.STORE_AWAY_SECONDS):
            self._meter.add(common, 0, stage=self._stage)
        for metric in own:
            names = [label.name for label in metric.labels]
            for values in product(*(label.values for label in metric.labels)):
                self._meter.add(metric, 0, **dict(zip(names, values, strict=True)))


NULL_OBSERVER = Observer("")
"""Records nothing."""
