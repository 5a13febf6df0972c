"""The kinds of metric, as Prometheus knows them. Pure."""

from collections.abc import Mapping

from msgspec import Struct


class Label(Struct, frozen=True):
    """What a figure is split by. Never a person's data, and never without bounds."""

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    """All that it can be. Empty where the deployment bounds it: topics, partitions, services."""


class Metric(Struct, frozen=True, kw_only=True):
    """One declared metric. Its name begins with `vitrine_` and carries its unit."""

    name: str
    meaning: str
    labels: tuple[Label, ...] = ()

    def values_of(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The values of `labels` in the declared order. Raises ValueError on other labels than declared, and
        on a value that a label cannot have."""
        if labels.keys() != {label.name for label in self.labels}:
            raise ValueError(f"{self.name} has the labels {[label.name for label in self.labels]}")
        for label in self.labels:
            if label.values and labels[label.name] not in label.values:
                raise ValueError(f"{self.name}: the label {label.name} has no such value")
        return tuple(labels[label.name] for label in self.labels)


class Counter(Metric, frozen=True):
    """Only grows while its process lives. Its name ends with `_total`."""


class Gauge(Metric, frozen=True):
    """Stands where it stands."""


class Histogram(Metric, frozen=True, kw_only=True):
    """Counts values by size."""

    buckets: tuple[float, ...]
    """The upper bounds, growing; what is above the last is counted too."""


class Reading(Struct, frozen=True):
    """How a metric stands, by whoever looked. `labels` are as declared."""

    metric: Counter | Gauge
    value: float
    labels: dict[str, str] = {}
