"""The loop of a stage that carries committed records into a store: read → write → commit.

Each batch is written before its offsets are committed, so nothing is lost and some of it may be written
twice: writes must be idempotent. While the store is away the stage holds two batches, reads no further and
stays in its consumer group.
"""

import logging
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event
from types import FrameType
from typing import Literal, TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.kafka import clients
from streaming.kafka.records import records
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings, Settings
from streaming.stores import StoreUnavailable, pauses_s

_log = logging.getLogger(__name__)

T = TypeVar("T")
Step = Literal["read", "written", "committed"]
OnStep = Callable[[Step], None]

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 5.0
PROGRESS_EVERY_S = 30.0


class SinkSettings(Settings):
    """What every stage that fills a store can be told."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    batch_size: int = Field(2_000, ge=1, le=50_000, description="Records written at once at most")
    linger_ms: int = Field(200, ge=1, description="How long a batch waits to fill")
    session_timeout_ms: int = Field(
        10_000, ge=6_000, description="When a silent instance's partitions go to the others"
    )


def stop_on_signal() -> Event:
    """Is set by SIGTERM or SIGINT: the stage then ends after the batch in hand."""
    stop = Event()

    def handle(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


def consumer(
    kafka_settings: KafkaSettings, group: str, topics: Sequence[str], settings: SinkSettings
) -> Consumer:
    """A member of `group` that reads `topics` with bounded memory."""
    member = clients.consumer(
        kafka_settings,
        group,
        **{"session.timeout.ms": settings.session_timeout_ms, "queued.max.messages.kbytes": 32_768},
    )
    member.subscribe([clients.name(kafka_settings, topic) for topic in topics])
    return member


def retry_until_available(
    attempt: Callable[[], None],
    wait: Callable[[float], object],
    stop: Event,
    observer: Observer = NULL_OBSERVER,
) -> bool:
    """Calls `attempt` until it no longer raises StoreUnavailable, with growing `wait`s between; whether it
    came to that before `stop`."""
    for delay_s in pauses_s(FIRST_DELAY_S, LONGEST_DELAY_S):
        if stop.is_set():
            break
        began_s = time.monotonic()
        try:
            attempt()
        except StoreUnavailable as reason:
            _log.warning("store_away", extra={"cause": str(reason), "again_in_s": delay_s})
            wait(delay_s)
            observer.away(time.monotonic() - began_s)
        else:
            return True
    return False


def run_sink(
    reader: Consumer,
    read: Callable[[Sequence[Message]], T],
    write: Callable[[T], None],
    settings: SinkSettings,
    stop: Event,
    passing: OnStep = lambda step: None,
    observer: Observer = NULL_OBSERVER,
) -> None:
    """Has `write` store what `read` makes of the records that `reader` gets, until `stop`. `write` must
    take a repeated record well and raise StoreUnavailable to have the batch given again; a thread beside
    `read` runs it. `passing` is called as each step of a batch is done, so that tests can end the stage
    there; `observer` hears of each batch. Raises KafkaException if reading cannot go on."""
    written, told_at = 0, time.monotonic()
    with ThreadPoolExecutor(1, "writer") as writer:
        writing: _Writing | None = None

        def settle(one: _Writing) -> bool:
            return _finish_batch(reader, lambda again: write(read(again)), one, stop, passing, observer)

        while not stop.is_set():
            # The next batch is read while the one before is written, but not written before that is safe.
            batch = records(reader.consume(settings.batch_size, settings.linger_ms / 1000))
            began_s = time.monotonic()
            work = read(batch)
            if batch:
                passing("read")
            if writing is not None:
                if not settle(writing):
                    return
                written += len(writing.batch)
            writing = _Writing(batch, writer.submit(write, work), began_s) if batch else None
            if written and time.monotonic() - told_at > PROGRESS_EVERY_S:
                _log.info("progress", extra={"written": written})
                written, told_at = 0, time.monotonic()
        if writing is not None:
            settle(writing)


@dataclass(frozen=True)
class _Writing:
    """A batch being written, and since when it is in hand."""

    batch: list[Message]
    written: Future[None]
    began_s: float


def _finish_batch(
    reader: Consumer,
    write_again: Callable[[Sequence[Message]], None],
    writing: _Writing,
    stop: Event,
    passing: OnStep,
    observer: Observer,
) -> bool:
    """Sees to it that a batch is written and its offsets committed; whether it came to that before `stop`."""
    batch = writing.batch
    try:
        writing.written.result()
    except StoreUnavailable:
        if not retry_until_available(
            partial(write_again, batch), partial(_poll_while_paused, reader, batch), stop, observer
        ):
            return False
        reader.resume(reader.assignment())
    passing("written")
    _commit(reader, batch)
    passing("committed")
    observer.batch(len(batch), time.monotonic() - writing.began_s)
    return True


def _poll_while_paused(reader: Consumer, batch: list[Message], delay_s: float) -> None:
    """Waits as a member of the group. A partition that comes by a rebalance meanwhile may still hand over a
    record before it is paused too: it joins the batch."""
    until = time.monotonic() + delay_s
    while (left_s := until - time.monotonic()) > 0:
        reader.pause(reader.assignment())
        message = reader.poll(left_s)
        if message is not None:
            batch.extend(records([message]))


def _commit(reader: Consumer, batch: Sequence[Message]) -> None:
    """Commits past `batch` what is still ours. Where that fails the records come again, which is harmless."""
    ours = {(held.topic, held.partition) for held in reader.assignment()}
    past: dict[tuple[str, int], int] = {}
    for message in batch:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is not None and partition is not None and offset is not None and (topic, partition) in ours:
            past[topic, partition] = offset + 1
    if not past:
        return
    offsets = [TopicPartition(*of, offset) for of, offset in past.items()]
    try:
        reader.commit(offsets=offsets, asynchronous=False)
    except KafkaException as error:
        _log.warning("offsets_not_committed", extra={"cause": error.args[0].str()})
