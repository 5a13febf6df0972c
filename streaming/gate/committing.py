"""Writes a decided batch, and commits output and offsets in one transaction, in a thread of its own."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

from streaming.dedup.port import BatchSpan, OutOfSync
from streaming.gate.decide import Decision, PartitionState, encode_state
from streaming.gate.process import Batch
from streaming.gate.records import records
from streaming.gate.steps import OnStep
from streaming.kafka.transactions import TransactionLost, Writer
from streaming.stores import StoreUnavailable


@dataclass(frozen=True)
class DecidedBatch:
    """A batch, what becomes of it, and the monotonic time at which its sessions were claimed."""

    batch: Batch
    decision: Decision
    claimed_at_s: float


@dataclass(frozen=True)
class _Committing:
    decided: DecidedBatch
    commit: Future[None]


class Committing:
    """Commits at most one batch at a time.

    `confirm` is called before a commit that comes more than `settle_s` after the claims; it raises OutOfSync
    or StoreUnavailable if the dedup store is no longer in step. `committed` is called with each batch once
    its commit is certain, `lost` when a transaction was lost: the committed offsets then say what to read
    again. `on_step` is called after each step of a batch."""

    def __init__(
        self,
        writer: Writer,
        consumer: Consumer,
        raw_topic: str,
        settle_s: float,
        confirm: Callable[[Mapping[int, BatchSpan]], None],
        committed: Callable[[DecidedBatch], None],
        lost: Callable[[], None],
        on_step: OnStep,
    ) -> None:
        self._writer, self._consumer, self._raw_topic = writer, consumer, raw_topic
        self._settle_s, self._confirm, self._on_step = settle_s, confirm, on_step
        self._committed, self._lost = committed, lost
        self._committer = ThreadPoolExecutor(1, "commit")
        self._under_way: _Committing | None = None
        self._in_doubt: DecidedBatch | None = None
        """A batch whose transaction was lost; the committed offsets say whether it was committed."""

    @property
    def is_under_way(self) -> bool:
        """True from `write` to `finish`."""
        return self._under_way is not None

    def write(self, decided: DecidedBatch) -> None:
        """Sends the records of `decided` once the batch before is committed, and begins to commit them.
        Raises TransactionLost if either transaction was lost."""
        self.finish()
        send = self._writer.send
        try:
            for record in records(decided.decision):
                send(record.topic, record.value, record.key, record.headers)
        except TransactionLost:
            self._lost()
            raise
        self._on_step("written")
        # Asked for here: the client admits one thread at a time, so the committing thread would wait for
        # `consume`, and for ever for one that is in a rebalance and itself waits for the commit.
        group = self._consumer.consumer_group_metadata()
        self._under_way = _Committing(decided, self._committer.submit(self._commit, group, decided))

    def finish(self) -> None:
        """Waits for the batch being committed, if any. Raises TransactionLost."""
        under_way, self._under_way = self._under_way, None
        if under_way is None:
            return
        try:
            under_way.commit.result()
        except TransactionLost:
            self._in_doubt = under_way.decided
            self._lost()
            raise
        self._committed(under_way.decided)

    def resolve(self, is_past: Callable[[Mapping[int, BatchSpan]], bool]) -> None:
        """Called after a rewind: a batch in doubt was committed if reading continues behind it."""
        in_doubt, self._in_doubt = self._in_doubt, None
        if in_doubt and is_past(in_doubt.batch.spans):
            self._committed(in_doubt)

    def poll(self) -> None:
        """Called while the gate is idle: waits for the batch being committed, and lets the client work."""
        self.finish()
        self._writer.poll()

    def close(self) -> None:
        """Ends the thread."""
        self._committer.shutdown()

    def _commit(self, group: object, decided: DecidedBatch) -> None:
        """In the committer's thread."""
        self._writer.flush()
        self._on_step("flushed")
        spans = decided.batch.spans
        if time.monotonic() - decided.claimed_at_s > self._settle_s:
            # A rebuild by another gate may not have waited for these records.
            try:
                self._confirm(spans)
            except (OutOfSync, StoreUnavailable) as error:
                self._writer.abort()
                raise TransactionLost(str(error)) from error
        self._writer.commit(group, self._offsets(spans, decided.decision.after))
        self._on_step("committed")

    def _offsets(
        self, spans: Mapping[int, BatchSpan], after: Mapping[int, PartitionState]
    ) -> list[TopicPartition]:
        return [
            TopicPartition(self._raw_topic, partition, span.upto, metadata=encode_state(after[partition]))
            for partition, span in spans.items()
        ]
