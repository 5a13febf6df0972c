"""A sink as a stage of the batch runner: write a batch into the store, then commit its offsets.

What was written but not committed is written again, so writes must be idempotent.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Generic, Literal, Protocol, TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streaming.kafka import clients
from streaming.kafka.assignment import Records
from streaming.kafka.batch_runner import BatchRunner, Pace
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings
from streaming.sinks.settings import SinkSettings
from streaming.stores import StoreUnavailable

_log = logging.getLogger(__name__)
_PROGRESS_EVERY_S = 30.0

Documents = TypeVar("Documents")
Step = Literal["read", "written", "committed"]
OnStep = Callable[[Step], None]


class Sink(Protocol[Documents]):
    """What a sink makes of records, and where it puts that."""

    def prepare(self) -> None:
        """Makes the store ready for documents. Raises StoreUnavailable."""

    def read(self, messages: Sequence[Message]) -> Documents:
        """Decodes records; called while the batch before is written."""

    def write(self, documents: Documents) -> None:
        """Stores documents, also those stored before. Raises StoreUnavailable."""


@dataclass(frozen=True)
class _Batch(Generic[Documents]):
    documents: Documents
    read: Records


class SinkStage(Generic[Documents]):
    """Implements streaming.kafka.stage.Stage. `on_step` is called after each step of a batch, so that
    tests can end the stage there."""

    is_committing = False

    def __init__(
        self, consumer: Consumer, sink: Sink[Documents], on_step: OnStep, observer: Observer
    ) -> None:
        self._consumer, self._sink, self._on_step, self._observer = consumer, sink, on_step, observer
        self._is_prepared = False
        self._written, self._reported_s = 0, time.monotonic()

    def assigned(self, committed: Sequence[TopicPartition]) -> None:
        """Offsets are all the state that a sink has."""

    revoked = rewound = assigned

    def read(self, read: Records) -> _Batch[Documents]:
        """Decodes records."""
        return _Batch(self._sink.read(read.messages), read)

    def prepare(self) -> None:
        """Prepares the store, once until it is unavailable: it may come back empty."""
        if not self._is_prepared:
            self._sink.prepare()
            self._is_prepared = True

    def attempt(self, batch: _Batch[Documents]) -> None:
        """Writes a batch. Raises StoreUnavailable."""
        try:
            self._sink.write(batch.documents)
        except StoreUnavailable:
            self._is_prepared = False
            raise

    def commit(self, batch: _Batch[Documents], result: None, began_s: float) -> None:
        """Commits the offsets of a batch. If that fails, its records are written again after the next
        rebalance, unless a later commit succeeds before."""
        self._on_step("written")
        offsets = [
            TopicPartition(topic or "", partition or 0, end)
            for (topic, partition), end in batch.read.ends.items()
        ]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            _log.warning("offsets_not_committed", extra={"cause": error.args[0].str()})
        self._on_step("committed")
        self._written += len(batch.read.messages)
        self._observer.batch(len(batch.read.messages), time.monotonic() - began_s)

    def finish(self) -> None:
        """Nothing is committed in the background."""

    idle = prepare

    def after_turn(self) -> None:
        """Logs progress now and then."""
        if self._written and time.monotonic() - self._reported_s > _PROGRESS_EVERY_S:
            _log.info("progress", extra={"written": self._written})
            self._written, self._reported_s = 0, time.monotonic()


def consumer(kafka_settings: KafkaSettings, group: str, settings: SinkSettings) -> Consumer:
    """Returns a member of `group` with bounded memory."""
    return clients.consumer(
        kafka_settings,
        group,
        **{
            "partition.assignment.strategy": "range",  # the batch runner needs whole assignments
            "session.timeout.ms": settings.session_timeout_ms,
            "queued.max.messages.kbytes": 32_768,
        },
    )


def run_sink(
    member: Consumer,
    topics: Sequence[str],
    sink: Sink[Documents],
    settings: SinkSettings,
    stop: Event,
    on_step: OnStep = lambda step: None,
    observer: Observer = NULL_OBSERVER,
) -> None:
    """Carries `topics` (full names) into `sink` until `stop` is set, and closes `member`. Raises
    KafkaException if reading cannot go on."""
    pace = Pace(settings.batch_size, settings.linger_ms, settings.linger_ms)
    stage = SinkStage(member, sink, on_step, observer)
    BatchRunner(member, topics, stage, pace, lambda: on_step("read"), observer).run(stop)
