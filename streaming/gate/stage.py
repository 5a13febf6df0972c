"""The gate as a stage of the batch runner: read, claim, decide, write and commit in one transaction.

Claims may run ahead of commits: the claims of a batch that is never committed carry its own log positions, so
the gate that reads it again gets the same answers. Nothing is written until the batch before is committed.
"""

from collections.abc import Callable, Sequence
from threading import Event

from confluent_kafka import Consumer, TopicPartition

from streaming.contract import topics
from streaming.contract.topology import GATE
from streaming.dedup.port import ClaimAnswer, DedupStore, OutOfSync
from streaming.gate.claiming import Claiming
from streaming.gate.committing import Committing, DecidedBatch
from streaming.gate.consumer import consumer
from streaming.gate.decide import PartitionState, Raw, Rules, decode_state
from streaming.gate.decided_log import GateLog
from streaming.gate.process import Batch
from streaming.gate.progress import Progress
from streaming.gate.recovery import CommittedSessions
from streaming.gate.settings import GateSettings
from streaming.gate.steps import OnStep
from streaming.gate.upkeep import Upkeep
from streaming.kafka import clients
from streaming.kafka.assignment import Records
from streaming.kafka.batch_runner import BatchRunner, NotPrepared, Pace
from streaming.kafka.committed_log import CommittedLog
from streaming.kafka.transactions import TransactionalWriter, Writer
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings

_LINGER_IN_HAND_MS = 5  # with a batch under way, only what was fetched already is taken


class GateStage:
    """Implements streaming.kafka.batch_runner.Stage."""

    def __init__(
        self,
        rules: Rules,
        claiming: Claiming,
        committing: Committing,
        upkeep: Upkeep,
        progress: Progress,
        on_step: OnStep,
    ) -> None:
        self._rules, self._claiming, self._committing = rules, claiming, committing
        self._upkeep, self._progress, self._on_step = upkeep, progress, on_step
        self._states: dict[int, PartitionState] = {}
        """The state of each partition held, after the newest batch that was written."""

    @property
    def is_committing(self) -> bool:
        """True while a batch is being committed in the background."""
        return self._committing.is_under_way

    def assigned(self, committed: Sequence[TopicPartition]) -> None:
        """Takes the states from the metadata of the committed offsets."""
        self._states |= {at.partition: decode_state(at.metadata) for at in committed}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets their states."""
        for at in partitions:
            self._states.pop(at.partition, None)

    def rewound(self, committed: Sequence[TopicPartition]) -> None:
        """Learns whether a batch in doubt was committed."""
        offsets = {at.partition: at.offset for at in committed}
        self._committing.resolve(
            lambda spans: any(offsets.get(at, 0) >= span.upto for at, span in spans.items())
        )

    def read(self, read: Records) -> Batch:
        """Parses a batch."""
        raws = [
            Raw(one.partition() or 0, one.offset() or 0, one.timestamp()[1], one.key(), one.value())
            for one in read.messages
        ]
        begins = {partition or 0: begin for (_, partition), begin in read.begins.items()}
        return Batch(raws, begins, self._rules.horizon_ms)

    def prepare(self) -> None:
        """Brings the dedup store in step with the log where it is not. Raises StoreUnavailable, and
        TransactionLost by the batch being committed, which must be in the log first."""
        if self._claiming.generation is None:
            self._committing.finish()
            self._claiming.recover()

    def attempt(self, batch: Batch) -> Sequence[ClaimAnswer]:
        """Claims the sessions of `batch`. Raises StoreUnavailable or NotPrepared."""
        try:
            return self._claiming.claim(batch)
        except OutOfSync as reason:
            raise NotPrepared(str(reason)) from reason

    def commit(self, batch: Batch, answers: Sequence[ClaimAnswer], began_s: float) -> None:
        """Decides `batch`, and begins to commit it once the one before is. Raises TransactionLost."""
        self._on_step("claimed")
        decision = batch.decide(answers, self._states, self._rules)
        self._committing.write(DecidedBatch(batch, decision, began_s))
        self._states |= decision.after

    def finish(self) -> None:
        """Waits for the batch being committed. Raises TransactionLost."""
        self._committing.finish()

    def idle(self) -> None:
        """Notices a lost transaction, and a store that lost its claims. Raises TransactionLost or
        StoreUnavailable."""
        self._committing.poll()
        if self._states and (self._claiming.generation is None or not self._claiming.check()):
            self._claiming.generation = None
            self.prepare()

    def after_turn(self) -> None:
        """Forgets what is beyond the horizon, and logs progress; both now and then."""
        if self._claiming.generation is not None:
            self._upkeep.if_due(self._claiming.generation)
        self._progress.report()


def transactional(kafka_settings: KafkaSettings, settings: GateSettings, member: Consumer) -> Writer:
    """Returns the writer of a gate, and aborts what its former process left open."""
    return TransactionalWriter(
        kafka_settings, f"{GATE.group}-{settings.instance}", settings.transaction_timeout_ms
    )


def run_gate(
    kafka_settings: KafkaSettings,
    settings: GateSettings,
    store: DedupStore,
    stop: Event,
    on_step: OnStep = lambda step: None,
    observer: Observer = NULL_OBSERVER,
    new_writer: Callable[[KafkaSettings, GateSettings, Consumer], Writer] = transactional,
) -> None:
    """Runs one gate until `stop` is set, and finishes the batch under way. `on_step` is called after each
    step of a batch, so that tests can end the gate there. Another `new_writer` is for measuring only: nothing
    else keeps output and offsets together. Raises KafkaException on what a restart may repair: a fatal client
    error, or another gate of the same instance name."""
    member = consumer(kafka_settings, settings)
    writer = new_writer(kafka_settings, settings, member)
    log = GateLog(CommittedLog(kafka_settings), member)
    run_on(
        clients.name(kafka_settings, topics.RAW),
        member,
        writer,
        log,
        store,
        settings,
        stop,
        on_step,
        observer,
    )


def run_on(
    raw_topic: str,
    member: Consumer,
    writer: Writer,
    log: CommittedSessions,
    store: DedupStore,
    settings: GateSettings,
    stop: Event,
    on_step: OnStep = lambda step: None,
    observer: Observer = NULL_OBSERVER,
) -> None:
    """Runs a gate that reads `raw_topic` (its full name) as `member` and decides into `writer`; closes
    `member`."""
    settle_s = settings.settle_ms / 1000
    claiming = Claiming(store, log, settle_s, observer)
    progress = Progress(observer, settings.progress_every_s)
    committing = Committing(
        writer, member, raw_topic, settle_s, claiming.confirm, progress.committed, progress.lost, on_step
    )
    rules = Rules(settings.allowed_lateness_ms, settings.extraction_every, settings.horizon_ms)
    stage = GateStage(
        rules, claiming, committing, Upkeep(store, log, settings.warn_at_fill), progress, on_step
    )
    pace = Pace(settings.batch_size, settings.linger_ms, _LINGER_IN_HAND_MS)
    try:
        BatchRunner(member, [raw_topic], stage, pace, lambda: on_step("read"), observer).run(stop)
    finally:
        committing.close()
        progress.report(at_once=True)
