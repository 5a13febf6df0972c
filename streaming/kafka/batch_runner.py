"""The loop under every stage that reads Kafka: the gate and both sinks.

    read batch n+1 → attempt it, in a thread of its own → commit it
                        while batch n is committed

The attempt is what needs a store: the gate's claims in Redis, a sink's writes. It is repeated for as long as
the store is unavailable; the stage meanwhile reads no further and stays in its consumer group. A batch is
attempted only after the one before it was, and committed only after that one. Whatever was read but not
committed when partitions are revoked or a transaction is lost is dropped and read again from the committed
offsets, so an attempt must be repeatable.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Generic, TypeVar

from confluent_kafka import Consumer, TopicPartition

from streaming.kafka.assignment import Assignment, Records
from streaming.kafka.records import records
from streaming.kafka.stage import Batch, NotPrepared, Result, Stage
from streaming.kafka.transactions import TransactionLost
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.stores import StoreUnavailable, pauses_s

_log = logging.getLogger(__name__)

Value = TypeVar("Value")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
_POLL_S = 0.2


@dataclass(frozen=True)
class Pace:
    """How batches are formed. `linger_ms`: how long a batch waits to fill; `linger_in_hand_ms`: the same
    while another batch is under way."""

    batch_size: int
    linger_ms: int
    linger_in_hand_ms: int


@dataclass(frozen=True)
class _Attempt(Generic[Batch, Result]):
    batch: Batch
    pending: Future[Result]
    began_s: float


class _Dropped(Exception):
    """What is in hand is not continued: the stage stops, or its partitions were revoked."""


class BatchRunner(Generic[Batch, Result]):
    """One instance of a stage. `consumer`: not yet subscribed; its assignments must be whole ones (the
    strategy `range`, not a cooperative one). `on_read` is called after each batch that was read, so that
    tests can end the stage there."""

    def __init__(
        self,
        consumer: Consumer,
        topics: Sequence[str],
        stage: Stage[Batch, Result],
        pace: Pace,
        on_read: Callable[[], None] = lambda: None,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._consumer, self._topics, self._stage, self._pace = consumer, list(topics), stage, pace
        self._on_read, self._observer = on_read, observer
        self._assignment = Assignment(consumer)
        self._worker = ThreadPoolExecutor(1, "attempt")
        self._attempt: _Attempt[Batch, Result] | None = None
        self._must_rewind = False

    def run(self, stop: Event) -> None:
        """Runs until `stop` is set, finishes the batches in hand, and closes the consumer. Raises
        KafkaException on what only a restart can repair."""
        self._consumer.subscribe(
            self._topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not stop.is_set():
                self._turn(stop)
            with self._rewinding_if_lost():
                self._advance(None, stop)
                self._stage.finish()
        finally:
            self._consumer.close()
            self._worker.shutdown()

    def _turn(self, stop: Event) -> None:
        is_in_hand = self._attempt is not None or self._stage.is_committing
        linger_ms = self._pace.linger_in_hand_ms if is_in_hand else self._pace.linger_ms
        messages = self._consumer.consume(self._pace.batch_size, linger_ms / 1000)
        if not self._must_rewind:
            with self._rewinding_if_lost():
                self._advance(self._assignment.take(messages), stop)
        if self._must_rewind:
            self._rewind()
        else:
            self._stage.after_turn()

    def _advance(self, read: Records | None, stop: Event) -> None:
        """Begins to attempt what was read, and commits the batch attempted before."""
        batch = self._stage.read(read) if read else None
        if batch is not None:
            self._on_read()
        attempted = self._attempt
        try:
            result = self._result(attempted, stop) if attempted else None
            begun = self._begin(batch, stop) if batch is not None else None
            if attempted is None and batch is None and not stop.is_set():
                self._until_available(self._stage.idle, stop)
        except _Dropped:
            self._attempt = None
            return
        self._attempt = begun
        if attempted is not None:
            self._stage.commit(attempted.batch, result, attempted.began_s)  # type: ignore[arg-type]

    def _begin(self, batch: Batch, stop: Event) -> _Attempt[Batch, Result]:
        self._until_available(self._stage.prepare, stop)
        return _Attempt(batch, self._worker.submit(self._stage.attempt, batch), time.monotonic())

    def _result(self, attempt: _Attempt[Batch, Result], stop: Event) -> Result:
        """Waits for the result, repeating the attempt for as long as it takes. Raises _Dropped."""
        pending: Future[Result] | None = attempt.pending

        def result() -> Result:
            nonlocal pending
            while True:
                if pending is None:
                    self._stage.prepare()
                    pending = self._worker.submit(self._stage.attempt, attempt.batch)
                current, pending = pending, None
                try:
                    return current.result()
                except NotPrepared as reason:
                    _log.warning("store_out_of_step", extra={"reason": str(reason)})

        return self._until_available(result, stop)

    def _until_available(self, step: Callable[[], Value], stop: Event) -> Value:
        """Repeats `step` until it no longer raises StoreUnavailable. Raises _Dropped."""
        pauses = pauses_s(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        has_paused = False
        try:
            while True:
                began_s = time.monotonic()
                try:
                    return step()
                except StoreUnavailable as reason:
                    pause_s, has_paused = next(pauses), True
                    _log.warning("store_away", extra={"cause": str(reason), "again_in_s": pause_s})
                    self._wait(pause_s, stop)
                    self._observer.away(time.monotonic() - began_s)
                if stop.is_set() or self._must_rewind:
                    raise _Dropped
        finally:
            if has_paused and not self._must_rewind:  # a rewind assigns anyway
                self._assignment.resume()

    def _wait(self, pause_s: float, stop: Event) -> None:
        """Stays in the consumer group without reading. Ends early on `stop` and on a rebalance."""
        until_s = time.monotonic() + pause_s
        while (left_s := until_s - time.monotonic()) > 0 and not (stop.is_set() or self._must_rewind):
            self._assignment.suspend()
            message = self._consumer.poll(min(left_s, _POLL_S))
            # A partition that was assigned within `poll` may deliver a record in it.
            if message is not None and records([message]):
                self._must_rewind = True

    @contextmanager
    def _rewinding_if_lost(self) -> Iterator[None]:
        try:
            yield
        except TransactionLost:
            self._must_rewind = True

    def _rewind(self) -> None:
        self._must_rewind, self._attempt = False, None
        committed = self._assignment.rewind()
        self._stage.assigned(committed)
        self._stage.rewound(committed)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._stage.assigned(self._assignment.add(partitions))
        _log.info("partitions_assigned", extra={"partitions": [at.partition for at in partitions]})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Finishes or loses the transaction before the partitions are given up: their next reader starts at
        the committed offsets."""
        with self._rewinding_if_lost():
            self._stage.finish()
        self._must_rewind = True
        self._assignment.drop(partitions)
        self._stage.revoked(partitions)
        _log.info("partitions_revoked", extra={"partitions": [at.partition for at in partitions]})
