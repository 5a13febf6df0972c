"""What a gate does now and then beside its batches: drops what is beyond the horizon, and warns of full
filters."""

import logging
import time
from collections.abc import Iterable

from confluent_kafka import KafkaException

from streaming.dedup.port import DedupStore, FilterFill, Generation, OutOfSync
from streaming.gate.recovery import CommittedSessions
from streaming.stores import StoreUnavailable

_log = logging.getLogger(__name__)
_EVERY_S = 60.0


class Upkeep:
    """Maintains the dedup store, from any of the gates that share it; the first time at once."""

    def __init__(self, store: DedupStore, log: CommittedSessions, warn_at_fill: float) -> None:
        self._store, self._log, self._warn_at_fill = store, log, warn_at_fill
        self._next_s = 0.0
        self._warned: set[tuple[str, bool]] = set()

    def if_due(self, generation: Generation) -> None:
        """Maintains the store if it is time to. A failure is put off: no decision depends on it."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        try:
            self._store.forget_before(generation, self._log.committed().low_watermark_ms)
            self._warn(self._store.filter_fill())
        except (StoreUnavailable, OutOfSync, KafkaException) as error:
            _log.info("upkeep_put_off", extra={"reason": str(error)})

    def _warn(self, fills: Iterable[FilterFill]) -> None:
        """Warns once for each filter when it is nearly full, and once when it is full."""
        for fill in fills:
            full = fill.items > fill.capacity
            if fill.items >= self._warn_at_fill * fill.capacity and (fill.name, full) not in self._warned:
                self._warned.add((fill.name, full))
                _log.warning(
                    "filter_full" if full else "filter_nearly_full",
                    extra={
                        "filter": fill.name,
                        "items": fill.items,
                        "capacity": fill.capacity,
                        "error_rate_estimate": round(fill.error_rate_estimate, 6),
                        "remedy": "raise VITRINE_GATE_SESSION_CAPACITY or VITRINE_GATE_USER_CAPACITY: "
                        "until then it grows by layers, exact but slower and larger",
                    },
                )
