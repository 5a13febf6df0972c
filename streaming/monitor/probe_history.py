"""What the probes saw: how things stand, and how some of them stood in the last while. No client library."""

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
"""What is kept for plots, and the label that it is added up by."""
OLDEST: frozenset[Counter | Gauge] = frozenset({catalogue.LAG_SECONDS})
"""Ages are not added up: the greatest counts."""


class Probed(Struct, frozen=True, rename="camel"):
    """When a probe last looked, and why it got no answer, if so."""

    probe: str
    at_ms: int
    away: str | None


class Stands(Struct, frozen=True):
    """One figure of now."""

    metric: str
    labels: dict[str, str]
    value: float


class Stood(Struct, frozen=True):
    """A line of a plot: `points` are times in ms with values."""

    metric: str
    of: str
    points: list[tuple[int, float]]


class Recent(Struct, frozen=True, rename="camel"):
    """What the page Health draws."""

    at_ms: int
    probes: list[Probed]
    readings: list[Stands]
    plots: list[Stood]


class ProbeHistory:
    """Where the probes write. `keep_ms`: how far back the plots go; `now_ms` is the clock."""

    def __init__(self, keep_ms: int, now_ms: Callable[[], int]) -> None:
        self._keep_ms, self._now_ms = keep_ms, now_ms
        self._lock = threading.Lock()
        self._probed: dict[str, Probed] = {}
        self._readings: dict[str, Sequence[Reading]] = {}
        self._plots: dict[tuple[Counter | Gauge, str], deque[tuple[int, float]]] = defaultdict(deque)

    def saw(self, probe: str, readings: Sequence[Reading]) -> None:
        """What `probe` has just read, in place of what it read before."""
        with self._lock:
            at_ms = self._now_ms()
            self._probed[probe] = Probed(probe, at_ms, None)
            self._readings[probe] = readings
            for key, value in _summed(readings).items():
                self._plots[key].append((at_ms, value))
            self._forget(at_ms - self._keep_ms)

    def away(self, probe: str, why: str) -> None:
        """`probe` got no answer: what it read before is not so any more."""
        with self._lock:
            self._probed[probe] = Probed(probe, self._now_ms(), why)
            self._readings.pop(probe, None)
            self._forget(self._now_ms() - self._keep_ms)

    def readings(self, but: frozenset[str] = frozenset()) -> list[Reading]:
        """How everything stands, without what the probes named `but` read."""
        with self._lock:
            found = [
                Reading(catalogue.PROBE_UP, float(one.away is None), {"probe": one.probe})
                for one in self._probed.values()
            ]
            found += (one for probe, read in self._readings.items() if probe not in but for one in read)
            return found

    def recent(self) -> Recent:
        """All of it, for the page."""
        standing = [Stands(one.metric.name, one.labels, one.value) for one in self.readings()]
        with self._lock:
            plots = [Stood(metric.name, of, list(points)) for (metric, of), points in self._plots.items()]
            return Recent(self._now_ms(), list(self._probed.values()), standing, plots)

    def _forget(self, before_ms: int) -> None:
        for key in list(self._plots):
            points = self._plots[key]
            while points and points[0][0] < before_ms:
                points.popleft()
            if not points:
                del self._plots[key]


def _summed(readings: Iterable[Reading]) -> dict[tuple[Counter | Gauge, str], float]:
    """What is plotted of `readings`, by the label it is added up by."""
    found: dict[tuple[Counter | Gauge, str], float] = {}
    for reading in readings:
        if label := PLOTTED.get(reading.metric):
            key = reading.metric, reading.labels[label]
            before = found.get(key, 0.0)
            found[key] = max(before, reading.value) if reading.metric in OLDEST else before + reading.value
    return found
