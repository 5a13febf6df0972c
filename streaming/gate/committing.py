"""Writes a decided batch and commits it, output and offsets in one transaction, in a thread of its own."""

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
    """A batch, what becomes of it, and when its sessions were asked for."""

    batch: Batch
    decision: Decision
    asked_at_s: float


@dataclass(frozen=True)
class _Committing:
    decided: DecidedBatch
    commit: Future[None]


class Committing:
    """At most one batch at a time. `confirm` raises OutOfSync or StoreUnavailable if the store of seen
    sessions is not in step any more; it is asked if more than `settle_s` have passed since the claims.
    `committed` hears of each batch once that is sure, `lost` when a transaction was lost: the committed
    offsets then say what to read again."""

    def __init__(
        self,
        writer: Writer,
        consumer: Consumer,
        raw_topic: str,
        settle_s: float,
        confirm: Callable[[Mapping[int, BatchSpan]], None],
        committed: Callable[[DecidedBatch], None],
        lost: Callable[[], None],
        passing: OnStep,
    ) -> None:
        self._writer, self._consumer, self._raw_topic = writer, consumer, raw_topic
        self._settle_s, self._confirm, self._passing = settle_s, confirm, passing
        self._committed, self._lost = committed, lost
        self._committer = ThreadPoolExecutor(1, "commit")
        self._under_way: _Committing | None = None
        self._in_doubt: DecidedBatch | None = None
        """Its transaction was lost; the committed offsets will tell."""

    @property
    def is_under_way(self) -> bool:
        return self._under_way is not None

    def write(self, decided: DecidedBatch) -> bool:
        """Sends what `decided` says once the batch before is committed, and begins to commit it. False if
        either transaction was lost."""
        if not self.finish():
            return False
        send = self._writer.send
        try:
            for record in records(decided.decision):
                send(record.topic, record.value, record.key, record.headers)
        except TransactionLost:
            self._lost()
            return False
        self._passing("written")
        # Asked here: the client lets one thread in at a time, so the committer would wait for `consume`, and
        # for ever for one that is handing partitions over and itself waits for the committer.
        group = self._consumer.consumer_group_metadata()
        self._under_way = _Committing(decided, self._committer.submit(self._commit, group, decided))
        return True

    def finish(self) -> bool:
        """Waits for the batch being committed, if any. False if its transaction was lost."""
        under_way, self._under_way = self._under_way, None
        if under_way is not None:
            try:
                under_way.commit.result()
            except TransactionLost:
                self._lost()
                self._in_doubt = under_way.decided
                return False
            self._committed(under_way.decided)
        return True

    def resolve(self, is_past: Callable[[Mapping[int, BatchSpan]], bool]) -> None:
        """After a rewind: a batch in doubt was committed if `is_past` says so of where reading goes on."""
        in_doubt, self._in_doubt = self._in_doubt, None
        if in_doubt and is_past(in_doubt.batch.spans):
            self._committed(in_doubt)

    def poll(self) -> None:
        """With nothing else to do: waits for the batch being committed, and notices a lost transaction."""
        self.finish()
        self._writer.poll()

    def close(self) -> None:
        self._committer.shutdown()

    def _commit(self, group: object, decided: DecidedBatch) -> None:
        """In the committer's thread."""
        self._writer.flush()
        self._passing("flushed")
        spans = decided.batch.spans
        if time.monotonic() - decided.asked_at_s > self._settle_s:
            # A rebuild elsewhere may not have waited for these records: is the store still in step?
            try:
                self._confirm(spans)
            except (OutOfSync, StoreUnavailable) as error:
                self._writer.abort()
                raise TransactionLost(str(error)) from error
        self._writer.commit(group, self._offsets(spans, decided.decision.after))
        self._passing("committed")

    def _offsets(
        self, spans: Mapping[int, BatchSpan], after: Mapping[int, PartitionState]
    ) -> list[TopicPartition]:
        return [
            TopicPartition(self._raw_topic, partition, span.upto, metadata=encode_state(after[partition]))
            for partition, span in spans.items()
        ]
