"""The port through which stages report figures."""

from collections.abc import Mapping
from typing import Protocol

from streaming.metrics.kinds import Counter, Histogram


class Meter(Protocol):
    """Records figures of declared metrics. Both methods may be called from any thread, and raise ValueError
    if the labels are not as declared."""

    def add(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        """Adds `amount` to the counter."""

    def observe(self, metric: Histogram, values: Mapping[float, int], **labels: str) -> None:
        """Adds each of `values` as often as its count."""


class Silent:
    """A Meter that records nothing."""

    def add(self, metric: Counter, amount: float = 1, **labels: str) -> None:
        pass

    def observe(self, metric: Histogram, values: Mapping[float, int], **labels: str) -> None:
        pass
