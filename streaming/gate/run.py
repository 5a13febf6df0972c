"""Puts one gate together and runs it."""

from collections.abc import Callable
from threading import Event

from confluent_kafka import Consumer

from streaming.contract import topics
from streaming.contract.feeds import Feeds
from streaming.contract.topology import GATE
from streaming.dedup.port import DedupStore
from streaming.gate.claiming import Claiming
from streaming.gate.committing import Committing
from streaming.gate.consumer import consumer
from streaming.gate.decide import Rules
from streaming.gate.decided_log import GateLog
from streaming.gate.progress import Progress
from streaming.gate.recovery import CommittedSessions
from streaming.gate.settings import GateSettings
from streaming.gate.stage import GateStage
from streaming.gate.steps import OnStep
from streaming.gate.upkeep import Upkeep
from streaming.kafka import clients
from streaming.kafka.batch_runner import BatchRunner, Pace
from streaming.kafka.committed_log import CommittedLog
from streaming.kafka.transactions import TransactionalWriter, Writer
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings

_LINGER_IN_HAND_MS = 5  # with a batch under way, only what was fetched already is taken


def transactional(kafka_settings: KafkaSettings, settings: GateSettings, member: Consumer) -> Writer:
    """Returns the writer of a gate, and aborts what its former process left open."""
    return TransactionalWriter(
        kafka_settings, f"{GATE.transactional_ids}{settings.instance}", settings.transaction_timeout_ms
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
    pseudonyms = settings.pseudonyms
    claiming = Claiming(store, log, settle_s, pseudonyms, observer)
    progress = Progress(observer, settings.progress_every_s, settings.words)
    committing = Committing(
        writer, member, raw_topic, settle_s, claiming.confirm, progress.committed, progress.lost, on_step
    )
    rules = Rules(
        settings.allowed_lateness_ms,
        settings.extraction_every,
        settings.horizon_ms,
        pseudonyms,
        Feeds(settings.imports, frozenset(settings.feeds)),
        settings.sources,
    )
    stage = GateStage(
        rules, claiming, committing, Upkeep(store, log, settings.warn_at_fill), progress, on_step
    )
    pace = Pace(settings.batch_size, settings.linger_ms, _LINGER_IN_HAND_MS)
    try:
        BatchRunner(member, [raw_topic], stage, pace, lambda: on_step("read"), observer).run(stop)
    finally:
        committing.close()
        progress.report(at_once=True)
