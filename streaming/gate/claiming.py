"""Claims the sessions of a batch in the dedup store, and keeps the store in step with the log."""

import logging
import time
from collections.abc import Mapping, Sequence

from streaming.contract.pseudonym import Pseudonyms
from streaming.dedup.port import BatchSpan, ClaimAnswer, ClaimRequest, DedupStore, Generation, OutOfSync
from streaming.gate.process import Batch
from streaming.gate.recovery import CommittedSessions, recover
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.stores import StoreUnavailable

_log = logging.getLogger(__name__)
_NO_GENERATION = Generation("")
_CHECK_EVERY_S = 2.0


class Claiming:
    """The dedup store as one gate uses it."""

    def __init__(
        self,
        store: DedupStore,
        log: CommittedSessions,
        settle_s: float,
        pseudonyms: Pseudonyms,
        observer: Observer,
    ) -> None:
        self._store, self._log, self._settle_s, self._observer = store, log, settle_s, observer
        self._pseudonyms = pseudonyms
        self._checked_s = time.monotonic()
        self.generation: Generation | None = None
        """The generation in use; None until the store was brought in step with the log."""

    def recover(self) -> None:
        """Brings the store in step with the log. All that this gate has written must be in the log. Raises
        StoreUnavailable, and OtherKey if it must not go on."""
        self.generation = None
        self.generation = recover(self._store, self._log, self._settle_s, self._pseudonyms)
        self._observer.count(catalogue.RECOVERIES)

    def claim(self, batch: Batch) -> Sequence[ClaimAnswer]:
        """Returns one answer for each session of `batch`; repeated, the same. Raises StoreUnavailable, and
        OutOfSync if the store must be recovered first."""
        try:
            return batch.claim(self._store, self.generation or _NO_GENERATION)
        except OutOfSync:
            self.generation = None
            raise

    def confirm(self, spans: Mapping[int, BatchSpan]) -> None:
        """Checks that the store still knows the claims of a batch whose records, up to `spans`, are in the
        log. Called from the committing thread when the claims are older than `settle_s`: a rebuild by
        another gate may have missed them. Raises OutOfSync or StoreUnavailable."""
        done = {partition: span._replace(committed=span.upto) for partition, span in spans.items()}
        self._store.claim(ClaimRequest(self.generation or _NO_GENERATION, [], [], [], done))

    def check(self) -> bool:
        """Checks now and then, while the gate is idle, that the store is in step. If it returns False, the
        store must be recovered."""
        if time.monotonic() - self._checked_s < _CHECK_EVERY_S:
            return True
        self._checked_s = time.monotonic()
        try:
            standing = self._store.standing()
            return bool(standing and standing.generation == self.generation and self._store.is_trusted())
        except StoreUnavailable:
            return False
