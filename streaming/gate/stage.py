"""The loop: read → claim → decide → write and commit; one batch is committed while the next one is claimed.

Running ahead is safe: the claims of a batch that is never committed carry its own raw positions, so whoever
reads it again gets the same answers. Nothing is written until the batch before is committed.

Each part keeps its own state: `assignment` how far is read, `claiming` the generation of the store in use,
`committing` the batch on its way into the log. The loop keeps two things: the batch being claimed, and
whether what it read ahead of the committed offsets is void, so that it must go back to them.
"""

import logging
from collections.abc import Sequence
from threading import Event

from confluent_kafka import Consumer, Message, TopicPartition

from streaming.contract import topics
from streaming.dedup.port import DedupStore
from streaming.gate.assignment import GROUP, Assignment, reader
from streaming.gate.claiming import Answered, Asked, Claiming
from streaming.gate.committing import Committing, DecidedBatch
from streaming.gate.decide import Rules
from streaming.gate.decided_log import GateLog
from streaming.gate.process import Batch
from streaming.gate.progress import Progress
from streaming.gate.settings import GateSettings
from streaming.gate.steps import OnStep
from streaming.gate.upkeep import Upkeep
from streaming.kafka import clients
from streaming.kafka.committed_log import CommittedLog
from streaming.kafka.transactions import TransactionalWriter, Writer
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings

_log = logging.getLogger(__name__)
_NO_WAIT_MS = 5


class Stage:
    """One gate. `passing` is called as each step of a batch is done, so that tests can end it there;
    `observer` hears of each batch."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        settings: GateSettings,
        seen: DedupStore,
        passing: OnStep = lambda step: None,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._settings, self._passing = settings, passing
        self._rules = Rules(settings.allowed_lateness_ms, settings.extraction_every, settings.horizon_ms)
        self._raw_topic = clients.name(kafka_settings, topics.RAW)
        # Fences the transactions of this gate's former life before anything is read.
        writer = self._new_writer(kafka_settings)
        self._consumer = reader(kafka_settings, settings)
        log, settle_s = GateLog(CommittedLog(kafka_settings), self._consumer), settings.settle_ms / 1000
        self._upkeep = Upkeep(seen, log, settings.warn_at_fill)
        self._progress = Progress(observer, settings.progress_every_s)
        self._assignment = Assignment(self._consumer, self._raw_topic)
        self._claiming = Claiming(seen, log, settle_s, self._finish, observer)
        self._committing = Committing(
            writer,
            self._consumer,
            self._raw_topic,
            settle_s,
            confirm=self._claiming.confirm,
            committed=self._progress.committed,
            lost=self._lost,
            passing=passing,
        )
        self._asked: Asked | None = None
        self._must_rewind = False

    def _finish(self) -> bool:
        """Waits for the batch being committed. False if it was lost."""
        return self._committing.finish()

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
                in_hand = self._asked or self._committing.is_under_way
                wait_ms = _NO_WAIT_MS if in_hand else self._settings.linger_ms
                messages = self._consumer.consume(self._settings.batch_size, wait_ms / 1000)
                if not self._must_rewind:
                    self._advance(self._batch(messages), stop)
                if self._must_rewind:
                    self._rewind()
                elif self._claiming.generation is not None:
                    self._upkeep.if_due(self._claiming.generation)
                self._progress.report()
            self._advance(None, stop)
            self._committing.finish()
        finally:
            self._consumer.close()
            self._claiming.close()
            self._committing.close()
            self._progress.report(at_once=True)

    def _batch(self, messages: Sequence[Message]) -> Batch | None:
        raws, begins = self._assignment.take(messages)
        return Batch(raws, begins, self._rules.horizon_ms) if raws else None

    def _advance(self, batch: Batch | None, stop: Event) -> None:
        """Moves what is under way on by one step: `batch` is claimed while the one claimed before is written.
        What is dropped, because of `stop` or a lost transaction, is read again unless it was committed."""
        asked, self._asked = self._asked, None
        answered = self._claiming.answers(asked, stop) if asked else None
        if asked and answered is None:
            return
        if batch:
            self._passing("read")
            if self._claiming.generation is None and not self._claiming.recover(stop):
                return
            self._asked = self._claiming.ask(batch)
        if answered:
            self._passing("claimed")
            self._write(answered)
        elif not batch:
            self._idle(stop)

    def _write(self, answered: Answered) -> None:
        batch = answered.batch
        decision = batch.decide(answered.answers, self._assignment.states, self._rules)
        if self._committing.write(DecidedBatch(batch, decision, answered.asked_at_s)):
            self._assignment.states |= decision.after

    def _idle(self, stop: Event) -> None:
        """With nothing else to do, a lost transaction is noticed, and a store that lost its memory."""
        self._committing.poll()
        if self._assignment and not self._must_rewind:
            self._claiming.look_after_store(stop)

    def _lost(self) -> None:
        self._must_rewind = True
        self._progress.lost()

    def _rewind(self) -> None:
        """Back to what is committed: the next batch begins there, with the state of then."""
        self._must_rewind, self._asked = False, None
        self._assignment.rewind()
        self._committing.resolve(self._assignment.is_past)

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._assignment.add(partitions)
        _log.info("partitions_assigned", extra={"partitions": [p.partition for p in partitions]})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Finishes or aborts before giving up `partitions`; whoever gets them reads the committed place."""
        self._committing.finish()
        self._must_rewind |= self._asked is not None
        self._assignment.drop(partitions)
        _log.info("partitions_revoked", extra={"partitions": [p.partition for p in partitions]})
