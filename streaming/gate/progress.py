"""Reports the batches of a gate: to the metrics at once, to the log now and then."""

import logging
import time
from collections import Counter
from operator import attrgetter

from streaming.contract.addresses import MASK
from streaming.gate.committing import DecidedBatch
from streaming.gate.decide import Decision, Rejected, Valid
from streaming.metrics import catalogue
from streaming.metrics.observer import Observer
from streaming.words.lists import OTHER, KeyWords, Words

_log = logging.getLogger(__name__)
_MASKED = MASK.encode()
_ARRIVED_AT_MS = attrgetter("arrived_at_ms")


class Progress:
    """Counts each batch once it is committed, and writes a log line every `every_s` seconds at most."""

    def __init__(self, observer: Observer, every_s: float, words: Words) -> None:
        self._observer, self._every_s, self._words = observer, every_s, words
        self._outcomes: Counter[str] = Counter()
        self._reported_s = time.monotonic()

    def committed(self, done: DecidedBatch) -> None:
        """Counts a committed batch."""
        outcomes = _counted(done.decision)
        self._outcomes += outcomes
        for outcome, count in outcomes.items():
            self._observer.count(catalogue.OUTCOMES, count, outcome=outcome)
        self._observer.count(catalogue.LATE_SESSIONS, _late(done.decision))
        self._observer.count(catalogue.MASKED_SESSIONS, _masked(done.decision))
        for dimension, count in _others(done.decision, self._words).items():
            self._observer.count(catalogue.OTHER_WORDS, count, dimension=dimension)
        self._observer.observe_latency(map(_ARRIVED_AT_MS, done.batch.raws))
        self._observer.batch(len(done.batch.raws), time.monotonic() - done.claimed_at_s)

    def lost(self) -> None:
        """Counts a lost transaction."""
        self._observer.count(catalogue.TRANSACTIONS_ABORTED)

    def report(self, at_once: bool = False) -> None:
        if self._outcomes and (at_once or time.monotonic() - self._reported_s > self._every_s):
            _log.info("progress", extra={"outcomes": dict(self._outcomes)})
            self._outcomes.clear()
            self._reported_s = time.monotonic()


def _counted(decision: Decision) -> Counter[str]:
    """Outcomes by name: valid, or the reason of a rejection."""
    refused = Counter(o.rejection.reason.value for o in decision.outcomes if isinstance(o, Rejected))
    return refused + Counter({catalogue.VALID: len(decision.outcomes) - refused.total()})


def _late(decision: Decision) -> int:
    return sum(isinstance(outcome, Valid) and outcome.late for outcome in decision.outcomes)


def _masked(decision: Decision) -> int:
    return sum(
        _MASKED in outcome.session.encoded for outcome in decision.outcomes if isinstance(outcome, Valid)
    )


def _others(decision: Decision, words: Words) -> Counter[str]:
    """The valid sessions whose word is on no list, by dimension."""
    key_words = words.key_words
    found = Counter(
        key_words(outcome.session.country, outcome.session.device_type, outcome.session.referrer)
        for outcome in decision.outcomes
        if isinstance(outcome, Valid)
    )
    others = Counter[str]()
    for of_session, count in found.items():
        for dimension, word in zip(KeyWords._fields, of_session, strict=True):
            if word == OTHER:
                others[dimension] += count
    return others
