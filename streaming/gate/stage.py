"""The loop: read → claim → decide → write and commit; one batch is committed while the next one is claimed.

Running ahead is safe: the claims of a batch that is never committed carry its own raw positions, so whoever
reads it again gets the same answers. Nothing is written until the batch before is committed.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import attrgetter
from threading import Event
from typing import Literal

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from streaming.contract import topics
from streaming.dedup.port import BatchSpan, ClaimAnswer, ClaimRequest, DedupStore, Generation, OutOfSync
from streaming.gate.decide import (
    Decision,
    PartitionState,
    Raw,
    Rejected,
    Rules,
    Valid,
    decode_state,
    encode_state,
)
from streaming.gate.decided_log import GateLog
from streaming.gate.process import Batch
from streaming.gate.records import records
from streaming.gate.recovery import recover
from streaming.gate.settings import GateSettings
from streaming.gate.upkeep import Upkeep
from streaming.kafka import clients
from streaming.kafka.committed_log import CommittedLog, read_committed_offsets
from streaming.kafka.transactions import TransactionalWriter, TransactionLost, Writer
from streaming.metrics import catalogue
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings
from streaming.stores import StoreUnavailable

GROUP = "gate"
_log = logging.getLogger(__name__)
_MAX_POLL_INTERVAL_MS = 1_800_000  # a rebuild from a long log may keep the loop from polling
_NEVER = 1 << 63
_NO_GENERATION = Generation("")
_NO_WAIT_MS = 5
_LOOK_AFTER_STORE_EVERY_S = 2.0

_ARRIVED_AT_MS = attrgetter("arrived_at_ms")

Step = Literal["read", "claimed", "written", "flushed", "committed"]


@dataclass(frozen=True)
class _Asked:
    """A batch whose sessions are being claimed, and since when."""

    batch: Batch
    answers: Future[Sequence[ClaimAnswer]]
    at_s: float


@dataclass(frozen=True)
class _Written:
    """A batch being committed."""

    commit: Future[None]
    batch: Batch
    decision: Decision
    asked_at_s: float


def reader(kafka_settings: KafkaSettings, settings: GateSettings) -> Consumer:
    """The consumer of a gate, not yet subscribed."""
    return clients.consumer(
        kafka_settings,
        GROUP,
        **{
            # A static member: restarted in time it has its partitions back without a rebalance. So every
            # assignment must be whole: in a cooperative one that takes two steps, a member that died between
            # them came back to the first, and a partition was nobody's for good.
            "group.instance.id": clients.name(kafka_settings, f"{GROUP}-{settings.instance}"),
            "partition.assignment.strategy": "range",
            "session.timeout.ms": settings.session_timeout_ms,
            "max.poll.interval.ms": _MAX_POLL_INTERVAL_MS,
            "queued.max.messages.kbytes": 65_536,
        },
    )


class Stage:
    """One gate. `passing` is called as each step of a batch is done, so that tests can end it there;
    `observer` hears of each batch."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        settings: GateSettings,
        seen: DedupStore,
        passing: Callable[[Step], None] = lambda step: None,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._settings, self._seen, self._passing = settings, seen, passing
        self._observer = observer
        self._rules = Rules(settings.allowed_lateness_ms, settings.extraction_every, settings.horizon_ms)
        self._raw_topic = clients.name(kafka_settings, topics.RAW)
        # Fences the transactions of this gate's former life before anything is read.
        self._writer = self._new_writer(kafka_settings)
        self._consumer = reader(kafka_settings, settings)
        self._log = GateLog(CommittedLog(kafka_settings), self._consumer)
        self._upkeep = Upkeep(seen, self._log, settings.warn_at_fill)
        self._asker, self._committer = ThreadPoolExecutor(1, "ask"), ThreadPoolExecutor(1, "commit")
        self._generation: Generation | None = None
        self._read_to: dict[int, int] = {}  # next offset of each partition held
        self._states: dict[int, PartitionState] = {}  # of the same, after the newest batch written
        self._asked: _Asked | None = None
        self._written: _Written | None = None
        self._must_rewind = False
        self._in_doubt: _Written | None = None  # its transaction was lost; the committed offsets will tell
        self._outcomes: Counter[str] = Counter()
        self._looked_after_s = self._reported_s = time.monotonic()

    def _new_writer(self, kafka_settings: KafkaSettings) -> Writer:
        """Another one is for measuring alone: nothing else keeps output and offsets together."""
        settings = self._settings
        return TransactionalWriter(
            kafka_settings, f"{GROUP}-{settings.instance}", settings.transaction_timeout_ms
        )

    def run(self, stop: Event) -> None:
        """Until `stop` is set; the batch under way is finished. Raises KafkaException on what a restart may
        heal: a fatal client error, or another gate of the same instance name."""
        self._consumer.subscribe(
            [self._raw_topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not stop.is_set():
                # With a batch in hand only what is there already is taken, rather than let it wait for more.
                wait_ms = _NO_WAIT_MS if self._asked or self._written else self._settings.linger_ms
                messages = self._consumer.consume(self._settings.batch_size, wait_ms / 1000)
                if not self._must_rewind:
                    self._advance(self._batch(messages), stop)
                if self._must_rewind:
                    self._rewind()
                elif self._generation is not None:
                    self._upkeep.if_due(self._generation)
                self._report()
            self._advance(None, stop)
            self._finish()
        finally:
            self._consumer.close()
            self._asker.shutdown()
            self._committer.shutdown()
            self._report(at_once=True)

    def _batch(self, messages: Sequence[Message]) -> Batch | None:
        begins = dict(self._read_to)
        raws: list[Raw] = []
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal():
                    raise KafkaException(error)
                _log.warning("kafka_error", extra={"cause": error.name()})
                continue
            partition, offset = message.partition(), message.offset()
            if partition is None or offset is None:
                continue
            # What was fetched before a partition was lost may come after that, or twice: then it is not ours.
            if offset >= self._read_to.get(partition, _NEVER):
                self._read_to[partition] = offset + 1
                raws.append(Raw(partition, offset, message.timestamp()[1], message.key(), message.value()))
        return Batch(raws, begins, self._rules.horizon_ms) if raws else None

    def _advance(self, batch: Batch | None, stop: Event) -> None:
        """Moves what is under way on by one step: `batch` is claimed while the one claimed before is written.
        What is dropped, because of `stop` or a lost transaction, is read again unless it was committed."""
        asked, self._asked = self._asked, None
        answered = self._answers(asked, stop) if asked else None
        if asked and answered is None:
            return
        if batch:
            self._passing("read")
            if self._generation is None and not self._recover(stop):
                return
            self._asked = self._ask(batch)
        if asked and answered:
            self._passing("claimed")
            self._write(asked.batch, *answered)
        elif not batch:
            self._idle(stop)

    def _ask(self, batch: Batch) -> _Asked:
        assert self._generation is not None
        return _Asked(batch, self._asker.submit(batch.ask, self._seen, self._generation), time.monotonic())

    def _answers(self, asked: _Asked, stop: Event) -> tuple[Sequence[ClaimAnswer], float] | None:
        """What the store says, and when it was asked; waits as long as it takes. None if the batch is to be
        dropped."""
        for pause_s in _pauses_s():
            try:
                return asked.answers.result(), asked.at_s
            except OutOfSync as error:
                _log.warning("store_out_of_step", extra={"reason": str(error)})
                if not self._recover(stop):
                    break
            except StoreUnavailable as error:
                _log.warning("store_away", extra={"reason": str(error)})
                stopped = stop.wait(pause_s)
                self._observer.away(time.monotonic() - asked.at_s)
                if stopped:
                    break
            asked = self._ask(asked.batch)
        return None

    def _recover(self, stop: Event) -> bool:
        """Brings the store in step with the log, with all of our own in it. False if that was not to be."""
        self._generation = None
        for pause_s in _pauses_s():
            if not self._finish():
                break
            began_s = time.monotonic()
            try:
                self._generation = recover(self._seen, self._log, self._settings.settle_ms / 1000)
                self._observer.count(catalogue.RECOVERIES)
                return True
            except StoreUnavailable as error:
                _log.warning("store_away", extra={"reason": str(error)})
                stopped = stop.wait(pause_s)
                self._observer.away(time.monotonic() - began_s)
                if stopped:
                    break
        return False

    def _write(self, batch: Batch, answers: Sequence[ClaimAnswer], asked_at_s: float) -> None:
        decision = batch.decide(answers, self._states, self._rules)
        if not self._finish():
            return
        send = self._writer.send
        try:
            for record in records(decision):
                send(record.topic, record.value, record.key, record.headers)
        except TransactionLost:
            self._lost()
            return
        self._passing("written")
        self._states |= decision.after
        # Asked here: the client lets one thread in at a time, so the committer would wait for `consume`, and
        # for ever for one that is handing partitions over and itself waits for the committer.
        group = self._consumer.consumer_group_metadata()
        commit = self._committer.submit(self._commit, group, batch.spans, decision.after, asked_at_s)
        self._written = _Written(commit, batch, decision, asked_at_s)

    def _commit(
        self,
        group: object,
        spans: Mapping[int, BatchSpan],
        after: Mapping[int, PartitionState],
        asked_at_s: float,
    ) -> None:
        """In the committer's thread."""
        self._writer.flush()
        self._passing("flushed")
        if time.monotonic() - asked_at_s > self._settings.settle_ms / 1000:
            # A rebuild elsewhere may not have waited for these records: is the store still in step?
            try:
                done = {partition: span._replace(committed=span.upto) for partition, span in spans.items()}
                self._seen.claim(ClaimRequest(self._generation or _NO_GENERATION, [], [], [], done))
            except (OutOfSync, StoreUnavailable) as error:
                self._writer.abort()
                raise TransactionLost(str(error)) from error
        offsets = [
            TopicPartition(self._raw_topic, partition, span.upto, metadata=encode_state(after[partition]))
            for partition, span in spans.items()
        ]
        self._writer.commit(group, offsets)
        self._passing("committed")

    def _finish(self) -> bool:
        """Waits for the batch being committed. False if its transaction was lost."""
        written, self._written = self._written, None
        if written is not None:
            try:
                written.commit.result()
            except TransactionLost:
                self._lost()
                self._in_doubt = written
                return False
            self._tell(written)
        return True

    def _lost(self) -> None:
        self._must_rewind = True
        self._observer.count(catalogue.TRANSACTIONS_ABORTED)

    def _tell(self, done: _Written) -> None:
        """A batch is committed."""
        outcomes = _counted(done.decision)
        self._outcomes += outcomes
        for outcome, count in outcomes.items():
            self._observer.count(catalogue.OUTCOMES, count, outcome=outcome)
        self._observer.count(catalogue.LATE_SESSIONS, _late(done.decision))
        self._observer.observe_latency(map(_ARRIVED_AT_MS, done.batch.raws))
        self._observer.batch(len(done.batch.raws), time.monotonic() - done.asked_at_s)

    def _rewind(self) -> None:
        """Back to what is committed: the next batch begins there, with the state of then."""
        self._must_rewind, self._asked = False, None
        if self._read_to:
            held = [TopicPartition(self._raw_topic, partition) for partition in self._read_to]
            self._consumer.assign(self._load(held))
        written, self._in_doubt = self._in_doubt, None
        if written and any(self._read_to.get(at, 0) >= span.upto for at, span in written.batch.spans.items()):
            self._tell(written)

    def _load(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Learns the committed place of `partitions`; gives where to read on."""
        starts = []
        for found in read_committed_offsets(self._consumer, partitions):
            self._read_to[found.partition] = max(found.offset, 0)
            self._states[found.partition] = decode_state(found.metadata)
            start = found.offset if found.offset >= 0 else OFFSET_BEGINNING
            starts.append(TopicPartition(found.topic, found.partition, start))
        return starts

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(self._load(partitions))
        _log.info("partitions_assigned", extra={"partitions": [p.partition for p in partitions]})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Finishes or aborts before giving up `partitions`; whoever gets them reads the committed place."""
        self._finish()
        self._must_rewind |= self._asked is not None
        for partition in partitions:
            self._read_to.pop(partition.partition, None)
            self._states.pop(partition.partition, None)
        _log.info("partitions_revoked", extra={"partitions": [p.partition for p in partitions]})

    def _idle(self, stop: Event) -> None:
        """With nothing else to do, a lost transaction is noticed, and a store that lost its memory."""
        self._finish()
        self._writer.poll()
        since_s = time.monotonic() - self._looked_after_s
        if self._must_rewind or not self._read_to or since_s < _LOOK_AFTER_STORE_EVERY_S:
            return
        self._looked_after_s = time.monotonic()
        try:
            standing = self._seen.standing()
            in_step = standing and standing.generation == self._generation and self._seen.is_trusted()
        except StoreUnavailable:
            in_step = False
        if not in_step:
            self._recover(stop)

    def _report(self, at_once: bool = False) -> None:
        if self._outcomes and (
            at_once or time.monotonic() - self._reported_s > self._settings.progress_every_s
        ):
            _log.info("progress", extra={"outcomes": dict(self._outcomes)})
            self._outcomes.clear()
            self._reported_s = time.monotonic()


def _pauses_s() -> Iterator[float]:
    """How long to wait before each further attempt."""
    pause_s = 0.1
    while True:
        yield pause_s
        pause_s = min(2 * pause_s, 2.0)


def _counted(decision: Decision) -> Counter[str]:
    """Outcomes by name: valid, or the reason of refusal."""
    refused = Counter(o.rejection.reason.value for o in decision.outcomes if isinstance(o, Rejected))
    return refused + Counter({catalogue.VALID: len(decision.outcomes) - refused.total()})


def _late(decision: Decision) -> int:
    return sum(isinstance(outcome, Valid) and outcome.late for outcome in decision.outcomes)
