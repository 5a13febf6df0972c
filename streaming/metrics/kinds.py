"""The kinds of metrics, as in Prometheus. Pure."""

from collections.abc import Mapping

from msgspec import Struct


class Label(Struct, frozen=True):
    """A label of a metric. Its values are never personal data, and their number is bounded."""

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    """All possible values. Empty if the deployment determines them: topics, partitions, services."""


class Metric(Struct, frozen=True, kw_only=True):
    """One declared metric. Its name begins with `vitrine_` and contains its unit."""

    name: str
    meaning: str
    labels: tuple[Label, ...] = ()

    def values_of(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Returns the values of `labels` in the declared order. Raises ValueError if other labels than
        declared are given, or a value that a label cannot have."""
        if labels.keys() != {label.name for label in self.labels}:
            raise ValueError(f"{self.name} has the labels {[label.name for label in self.labels]}")
        for label in self.labels:
            if label.values and labels[label.name] not in label.values:
                raise ValueError(f"{self.name}: the label {label.name} has no such value")
        return tuple(labels[label.name] for label in self.labels)


class Counter(Metric, frozen=True):
    """A value that only grows while its process lives. Its name ends with `_total`."""


class Gauge(Metric, frozen=True):
    """A value that can rise and fall."""


class Histogram(Metric, frozen=True, kw_only=True):
    """Counts values by size."""

    buckets: tuple[float, ...]
    """The upper bounds in ascending order; values above the last are counted too."""


class Reading(Struct, frozen=True):
    """The value of a metric with given `labels`, as a probe read it."""

    metric: Counter | Gauge
    value: float
    labels: dict[str, str] = {}
