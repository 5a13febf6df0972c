"""What takes figures in."""

from collections.abc import Mapping
from typing import Protocol

from streaming.metrics.kinds import Counter, Histogram


class Meter(Protocol):
    """Takes figures of declared metrics. Both methods may be called from any thread, and raise ValueError on
    labels that are not declared so."""

    def add(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        """`amount` more."""

    def observe(self, metric: Histogram, values: Mapping[float, int], **labels: str) -> None:
        """Each of `values` as many times as it says."""


class Silent:
    """A Meter that keeps nothing."""

    def add(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        pass

    def observe(self, metric: Histogram, values: Mapping[float, int], **labels: str) -> None:
        pass
