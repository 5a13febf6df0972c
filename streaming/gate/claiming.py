"""Asks the store of seen sessions, in a thread beside the loop and for as long as it takes; and keeps the
store in step with the log."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from streaming.dedup.port import BatchSpan, ClaimAnswer, ClaimRequest, DedupStore, Generation, OutOfSync
from streaming.gate.process import Batch
from streaming.gate.recovery import CommittedSessions, recover
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.stores import StoreUnavailable, pauses_s

_log = logging.getLogger(__name__)
_NO_GENERATION = Generation("")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_LOOK_AFTER_STORE_EVERY_S = 2.0


@dataclass(frozen=True)
class Asked:
    """A batch whose sessions are being claimed, and since when."""

    batch: Batch
    answers: Future[Sequence[ClaimAnswer]]
    at_s: float


@dataclass(frozen=True)
class Answered:
    """What the store says of a batch, and when it was asked."""

    batch: Batch
    answers: Sequence[ClaimAnswer]
    asked_at_s: float


class Claiming:
    """`finish_commit` waits for the batch being committed and says whether that was to be: recovery must find
    in the log all that is our own."""

    def __init__(
        self,
        seen: DedupStore,
        log: CommittedSessions,
        settle_s: float,
        finish_commit: Callable[[], bool],
        observer: Observer,
    ) -> None:
        self._seen, self._log, self._settle_s = seen, log, settle_s
        self._finish_commit, self._observer = finish_commit, observer
        self._asker = ThreadPoolExecutor(1, "ask")
        self._looked_after_s = time.monotonic()
        self.generation: Generation | None = None
        """In use as far as we know; None until the store was brought in step with the log."""

    def ask(self, batch: Batch) -> Asked:
        """Begins to claim the sessions of `batch`. Needs a generation."""
        assert self.generation is not None
        return Asked(batch, self._asker.submit(batch.ask, self._seen, self.generation), time.monotonic())

    def answers(self, asked: Asked, stop: Event) -> Answered | None:
        """Waits as long as it takes, asking again. None if the batch is to be dropped."""
        for pause_s in pauses_s(_FIRST_PAUSE_S, _LONGEST_PAUSE_S):
            try:
                return Answered(asked.batch, asked.answers.result(), asked.at_s)
            except OutOfSync as error:
                _log.warning("store_out_of_step", extra={"reason": str(error)})
                if not self.recover(stop):
                    break
            except StoreUnavailable as error:
                if self._is_stopped_in(pause_s, stop, error, asked.at_s):
                    break
            asked = self.ask(asked.batch)
        return None

    def recover(self, stop: Event) -> bool:
        """Brings the store in step with the log, with all of our own in it. False if that was not to be."""
        self.generation = None
        for pause_s in pauses_s(_FIRST_PAUSE_S, _LONGEST_PAUSE_S):
            if not self._finish_commit():
                break
            began_s = time.monotonic()
            try:
                self.generation = recover(self._seen, self._log, self._settle_s)
                self._observer.count(catalogue.RECOVERIES)
                return True
            except StoreUnavailable as error:
                if self._is_stopped_in(pause_s, stop, error, began_s):
                    break
        return False

    def confirm(self, spans: Mapping[int, BatchSpan]) -> None:
        """Called from the committing thread once the records of `spans` are in the log, so long after asking
        that a rebuild elsewhere may not have waited for them. Raises OutOfSync or StoreUnavailable unless the
        store still is in step."""
        done = {partition: span._replace(committed=span.upto) for partition, span in spans.items()}
        self._seen.claim(ClaimRequest(self.generation or _NO_GENERATION, [], [], [], done))

    def look_after_store(self, stop: Event) -> None:
        """To be called while there is nothing to do: notices a store that lost its memory, now and then."""
        if time.monotonic() - self._looked_after_s < _LOOK_AFTER_STORE_EVERY_S:
            return
        self._looked_after_s = time.monotonic()
        try:
            standing = self._seen.standing()
            in_step = standing and standing.generation == self.generation and self._seen.is_trusted()
        except StoreUnavailable:
            in_step = False
        if not in_step:
            self.recover(stop)

    def close(self) -> None:
        self._asker.shutdown()

    def _is_stopped_in(self, pause_s: float, stop: Event, error: StoreUnavailable, since_s: float) -> bool:
        """Waits before the next attempt; whether `stop` came meanwhile."""
        _log.warning("store_away", extra={"reason": str(error)})
        stopped = stop.wait(pause_s)
        self._observer.away(time.monotonic() - since_s)
        return stopped
