"""The loop: read → claim → decide → write and commit; one batch is committed while the next one is claimed.

Running ahead is safe: the claims of a batch that is never committed carry its own raw positions, so whoever
reads it again gets the same answers. Nothing is written until the batch before is committed.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Literal

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition

from streaming.adapters import kafka
from streaming.adapters.kafka_log import CommittedLog, read_committed_offsets
from streaming.adapters.kafka_transactions import TransactionAborted, TransactionalWriter
from streaming.events import topics
from streaming.gate.decide import Decision, PartitionState, Raw, Refused, Rules, decode_state, encode_state
from streaming.gate.log import GateLog
from streaming.gate.process import Batch
from streaming.gate.records import records
from streaming.gate.recovery import recover
from streaming.gate.settings import GateSettings
from streaming.ports import OutOfStep, SeenSessions, StoreAway
from streaming.settings import KafkaSettings

GROUP = "gate"
_log = logging.getLogger(__name__)
_MAX_POLL_INTERVAL_MS = 1_800_000  # a rebuild from a long log may keep the loop from polling
_BACK_OFF_S = (0.1, 2.0)
_NEVER = 1 << 63
_LOOK_AFTER_STORE_EVERY_S = 2.0

Step = Literal["read", "claimed", "written", "flushed", "committed"]


@dataclass(frozen=True)
class Place:
    """Where the gate stands in a raw partition."""

    offset: int
    state: PartitionState


@dataclass(frozen=True)
class _Flight:
    """A batch being committed."""

    commit: Future[None]
    after: dict[int, Place]
    outcomes: Counter[str]


def reader(kafka_settings: KafkaSettings, settings: GateSettings) -> Consumer:
    """The consumer of a gate, not yet subscribed."""
    return kafka.consumer(
        kafka_settings,
        GROUP,
        **{
            # A static member: restarted in time it has its partitions back without a rebalance.
            "group.instance.id": kafka.name(kafka_settings, f"{GROUP}-{settings.instance}"),
            "session.timeout.ms": settings.session_timeout_ms,
            "max.poll.interval.ms": _MAX_POLL_INTERVAL_MS,
            "queued.max.messages.kbytes": 65_536,
        },
    )


class Stage:
    """One gate. `passing` is called as each step of a batch is done, so that tests can end it there."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        settings: GateSettings,
        seen: SeenSessions,
        passing: Callable[[Step], None] = lambda step: None,
    ) -> None:
        self._settings, self._seen, self._passing = settings, seen, passing
        self._rules = Rules(settings.allowed_lateness_ms, settings.extraction_every)
        self._raw_topic = kafka.name(kafka_settings, topics.RAW)
        # Fences the transactions of this gate's former life before anything is read.
        self._writer = TransactionalWriter(
            kafka_settings, f"{GROUP}-{settings.instance}", settings.transaction_timeout_ms
        )
        self._consumer = reader(kafka_settings, settings)
        self._log = GateLog(CommittedLog(kafka_settings), self._consumer)
        self._committer = ThreadPoolExecutor(1, "commit")
        self._generation: str | None = None
        self._places: dict[int, Place] = {}  # of the partitions held, after the newest batch claimed
        self._flight: _Flight | None = None
        self._must_rewind = False
        self._outcomes: Counter[str] = Counter()
        self._looked_after = self._reported = time.monotonic()

    def run(self, stop: Event) -> None:
        """Until `stop` is set; the batch under way is finished. Raises KafkaException on what a restart may
        heal: a fatal client error, or another gate of the same instance name."""
        self._consumer.subscribe(
            [self._raw_topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        try:
            while not stop.is_set():
                messages = self._consumer.consume(self._settings.batch_size, self._settings.linger_ms / 1000)
                raws = self._raws(messages)
                if self._must_rewind:
                    self._rewind()
                elif raws:
                    self._take(Batch(raws), stop)
                else:
                    self._idle(stop)
                self._report()
            self._finish()
        finally:
            self._consumer.close()
            self._committer.shutdown()
            self._report(at_once=True)

    def _raws(self, messages: Sequence[Message]) -> list[Raw]:
        raws: list[Raw] = []
        next_offsets = {partition: place.offset for partition, place in self._places.items()}
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
            if offset >= next_offsets.get(partition, _NEVER):
                next_offsets[partition] = offset + 1
                raws.append(Raw(partition, offset, message.timestamp()[1], message.key(), message.value()))
        return raws

    def _take(self, batch: Batch, stop: Event) -> None:
        self._passing("read")
        ends = {raw.partition: raw.offset + 1 for raw in batch.raws}
        asked_at, decision = self._decide(batch, ends, stop)
        if decision is None or not self._finish():
            return
        self._passing("claimed")
        after = {p: Place(ends[p], state) for p, state in decision.after.items()}
        try:
            send = self._writer.send
            for record in records(decision):
                send(record.topic, record.value, record.key, record.headers)
        except TransactionAborted:
            self._must_rewind = True
            return
        self._passing("written")
        commit = self._committer.submit(self._commit, after, asked_at)
        self._flight = _Flight(commit, after, _counted(decision))
        self._places |= after

    def _decide(self, batch: Batch, ends: dict[int, int], stop: Event) -> tuple[float, Decision | None]:
        """The decision and when it was asked for; None if the batch is to be dropped, to be read again."""
        before = {partition: self._places[partition] for partition in ends}
        spans = {partition: (place.offset, ends[partition]) for partition, place in before.items()}
        states = {partition: place.state for partition, place in before.items()}
        pause_s = _BACK_OFF_S[0]
        while not stop.is_set():
            try:
                if self._generation is not None:
                    asked_at = time.monotonic()
                    return asked_at, batch.decide(self._seen, self._generation, spans, states, self._rules)
                if not self._finish():
                    break
                self._generation = recover(self._seen, self._log, self._settings.settle_ms / 1000)
            except OutOfStep as error:
                _log.warning("store_out_of_step", extra={"reason": str(error)})
                self._generation = None
            except StoreAway as error:
                _log.warning("store_away", extra={"reason": str(error), "again_in_s": pause_s})
                stop.wait(pause_s)
                pause_s = min(2 * pause_s, _BACK_OFF_S[1])
        return 0.0, None

    def _commit(self, after: dict[int, Place], asked_at: float) -> None:
        """In the committer's thread."""
        self._writer.flush()
        self._passing("flushed")
        if time.monotonic() - asked_at > self._settings.settle_ms / 1000 and self._generation is not None:
            # A rebuild elsewhere may not have waited for these records: is the store still in step?
            try:
                self._seen.claim(
                    self._generation, [], [], {p: (at.offset, at.offset) for p, at in after.items()}
                )
            except (OutOfStep, StoreAway) as error:
                self._writer.abort()
                raise TransactionAborted(str(error)) from error
        offsets = [
            TopicPartition(self._raw_topic, partition, place.offset, metadata=encode_state(place.state))
            for partition, place in after.items()
        ]
        self._writer.commit(self._consumer, offsets)
        self._passing("committed")

    def _finish(self) -> bool:
        """Waits for the batch being committed. False if it was aborted."""
        flight, self._flight = self._flight, None
        if flight is not None:
            try:
                flight.commit.result()
            except TransactionAborted:
                self._must_rewind = True
                return False
            self._outcomes += flight.outcomes
        return True

    def _rewind(self) -> None:
        """Back to what is committed: the next batch begins there, with the state of then."""
        self._must_rewind = False
        for position in self._load(
            [TopicPartition(self._raw_topic, partition) for partition in self._places]
        ):
            self._consumer.seek(position)

    def _load(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """Learns the committed place of `partitions`; gives where to read on."""
        positions = []
        for found in read_committed_offsets(self._consumer, partitions):
            self._places[found.partition] = Place(max(found.offset, 0), decode_state(found.metadata))
            start = found.offset if found.offset >= 0 else OFFSET_BEGINNING
            positions.append(TopicPartition(found.topic, found.partition, start))
        return positions

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_assign(self._load(partitions))
        _log.info("partitions_assigned", extra={"partitions": [p.partition for p in partitions]})

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Finishes or aborts before giving up `partitions`; whoever gets them reads the committed place."""
        self._finish()
        for partition in partitions:
            self._places.pop(partition.partition, None)
        _log.info("partitions_revoked", extra={"partitions": [p.partition for p in partitions]})

    def _idle(self, stop: Event) -> None:
        """With nothing to do, an aborted batch is taken back and a store that lost its memory is seen to."""
        if not self._finish():
            return
        if not self._places or time.monotonic() - self._looked_after < _LOOK_AFTER_STORE_EVERY_S:
            return
        self._looked_after = time.monotonic()
        try:
            standing = self._seen.standing()
            if standing is None or standing.generation != self._generation or not self._seen.is_trusted():
                self._generation = recover(self._seen, self._log, self._settings.settle_ms / 1000)
        except (StoreAway, OutOfStep) as error:
            _log.warning("store_away", extra={"reason": str(error)})

    def _report(self, at_once: bool = False) -> None:
        if self._outcomes and (
            at_once or time.monotonic() - self._reported > self._settings.progress_every_s
        ):
            _log.info("progress", extra={"outcomes": dict(self._outcomes)})
            self._outcomes.clear()
            self._reported = time.monotonic()


def _counted(decision: Decision) -> Counter[str]:
    """Outcomes by name: valid, or the reason of refusal."""
    return Counter(
        outcome.rejection.reason.value if isinstance(outcome, Refused) else "valid"
        for outcome in decision.outcomes
    )
