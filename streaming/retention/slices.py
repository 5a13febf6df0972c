"""Expired slices of an index in Elasticsearch."""

from streaming.contract.months import begin_ms
from streaming.retention.plan import due_months
from streaming.sinks.port import DocumentIndex


class ExpiringSlices:
    """The slices of one index, as a Place. They are deleted whole."""

    unit = "documents"

    def __init__(self, index: DocumentIndex, name: str) -> None:
        self._index, self._name = index, name

    def oldest_ms(self) -> int | None:
        """The beginning of the oldest slice that holds a document."""
        self._index.refresh(self._name)
        filled = [month for month, count in self._index.months(self._name).items() if count]
        return begin_ms(min(filled)) if filled else None

    def due(self, before_ms: int) -> int:
        self._index.refresh(self._name)
        held = self._index.months(self._name)
        return sum(held[month] for month in due_months(held, before_ms))

    def delete(self, before_ms: int) -> int:
        self._index.refresh(self._name)
        held, total = self._index.months(self._name), 0
        for month in due_months(held, before_ms):
            self._index.drop(self._name, month)
            total += held[month]
        return total
