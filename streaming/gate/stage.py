"""The gate as a stage of the batch runner: read, claim, decide, write and commit in one transaction.

Claims may run ahead of commits: the claims of a batch that is never committed carry its own log positions, so
the gate that reads it again gets the same answers. Nothing is written until the batch before is committed.
"""

from collections.abc import Sequence

from confluent_kafka import TopicPartition

from streaming.dedup.port import ClaimAnswer, OutOfSync
from streaming.gate.claiming import Claiming
from streaming.gate.committing import Committing, DecidedBatch
from streaming.gate.decide import PartitionState, Raw, Rules, decode_state
from streaming.gate.process import Batch
from streaming.gate.progress import Progress
from streaming.gate.steps import OnStep
from streaming.gate.upkeep import Upkeep
from streaming.kafka.assignment import Records
from streaming.kafka.stage import NotPrepared


class GateStage:
    """Implements streaming.kafka.stage.Stage."""

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
        return Batch(raws, begins, self._rules)

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
