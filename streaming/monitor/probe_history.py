"""The results of the probes: the current values, and the recent course of some. Uses no client library."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from streaming.metrics import catalogue
from streaming.metrics.kinds import Counter, Gauge, Reading

PLOTTED: dict[Counter | Gauge, str] = {
    catalogue.LAG_RECORDS: "stage",
    catalogue.LAG_SECONDS: "stage",
    catalogue.OUTCOMES: "outcome",
}
"""The metrics kept for plots, and the label by which each is summed."""
OLDEST: frozenset[Counter | Gauge] = frozenset({catalogue.LAG_SECONDS})
"""Ages are not summed: the greatest is taken."""


class Probed(Struct, frozen=True, rename="camel"):
    """When a probe last ran, and why it failed; None if it did not."""

    probe: str
    at_ms: int
    away: str | None


class CurrentValue(Struct, frozen=True):
    """The current value of a metric with one set of labels."""

    metric: str
    labels: dict[str, str]
    value: float


class Plot(Struct, frozen=True):
    """One line of a plot: `points` are times in ms with values."""

    metric: str
    of: str
    points: list[tuple[int, float]]


class Recent(Struct, frozen=True, rename="camel"):
    """The data of the page Health."""

    at_ms: int
    probes: list[Probed]
    readings: list[CurrentValue]
    plots: list[Plot]


class ProbeHistory:
    """The probes write into it. `keep_ms`: how far back the plots go; `now_ms` is the clock."""

    def __init__(self, keep_ms: int, now_ms: Callable[[], int]) -> None:
        self._keep_ms, self._now_ms = keep_ms, now_ms
        self._lock = threading.Lock()
        self._probed: dict[str, Probed] = {}
        self._readings: dict[str, Sequence[Reading]] = {}
        self._plots: dict[tuple[Counter | Gauge, str], deque[tuple[int, float]]] = defaultdict(deque)

    def record(self, probe: str, readings: Sequence[Reading]) -> None:
        """Replaces the readings of `probe`."""
        with self._lock:
            at_ms = self._now_ms()
            self._probed[probe] = Probed(probe, at_ms, None)
            self._readings[probe] = readings
            for key, value in _summed(readings).items():
                self._plots[key].append((at_ms, value))
            self._forget(at_ms - self._keep_ms)

    def record_failure(self, probe: str, why: str) -> None:
        """Removes the readings of `probe`, which failed."""
        with self._lock:
            self._probed[probe] = Probed(probe, self._now_ms(), why)
            self._readings.pop(probe, None)
            self._forget(self._now_ms() - self._keep_ms)

    def readings(self, but: frozenset[str] = frozenset()) -> list[Reading]:
        """Returns the current readings of all probes except those named `but`."""
        with self._lock:
            found = [
                Reading(catalogue.PROBE_UP, float(one.away is None), {"probe": one.probe})
                for one in self._probed.values()
            ]
            found += (one for probe, read in self._readings.items() if probe not in but for one in read)
            return found

    def recent(self) -> Recent:
        """Returns everything, for the page."""
        values = [CurrentValue(one.metric.name, one.labels, one.value) for one in self.readings()]
        with self._lock:
            plots = [Plot(metric.name, of, list(points)) for (metric, of), points in self._plots.items()]
            return Recent(self._now_ms(), list(self._probed.values()), values, plots)

    def _forget(self, before_ms: int) -> None:
        for key in list(self._plots):
            points = self._plots[key]
            while points and points[0][0] < before_ms:
                points.popleft()
            if not points:
                del self._plots[key]


def _summed(readings: Iterable[Reading]) -> dict[tuple[Counter | Gauge, str], float]:
    """Returns the values of `readings` that are plotted, summed by label."""
    found: dict[tuple[Counter | Gauge, str], float] = {}
    for reading in readings:
        if label := PLOTTED.get(reading.metric):
            key = reading.metric, reading.labels[label]
            before = found.get(key, 0.0)
            found[key] = max(before, reading.value) if reading.metric in OLDEST else before + reading.value
    return found
