"""`python -m lab.benchmarks.gate`: the gate against a bare loop that consumes and produces the same messages.

Both read the same simulated messages, each from its own topic, with the same client library, settings, batch
size and transactions; the bare loop writes each message unchanged. The gate's Redis has sessions in every
segment of the horizon, so that look-ups have their highest cost. A third kind is the gate without
transactions, which writes outputs first and commits offsets afterwards. Rounds alternate, each in a new
process on new topics; the time runs from the first batch read to the last commit. Prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from threading import Event, Thread

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.headers import Headers
from streaming.contract.time_units import DAY_MS
from streaming.contract.topology import GATE
from streaming.dedup.port import ClaimRequest, Generation, LogProgress, RawPosition
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.consumer import consumer
from streaming.gate.run import run_gate, transactional
from streaming.gate.settings import GateSettings
from streaming.gate.steps import Step
from streaming.kafka import clients
from streaming.kafka.committed_log import CommittedLog, read_committed_offsets
from streaming.kafka.partitions import TIMEOUT_S
from streaming.kafka.produce import produce
from streaming.kafka.transactions import Writer
from streaming.metrics.observer import Observer
from streaming.metrics.prometheus import PrometheusMeter
from streaming.process import garbage_collection
from streaming.settings import KafkaSettings, RedisSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

_PAST_SESSIONS = 50_000
"""Sessions in each segment before the current one, of a quarter of the users."""
_NOWHERE = 1 << 60
"""Log positions of a partition that does not exist."""
_SETTLED_S = 0.5
"""Pause between loading a topic and reading it, so that the broker's work is not counted."""


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000, help="raw messages per round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind")
    options = parser.parse_args()
    _tell(f"making {options.messages:,} messages")
    sessions = TrafficSettings(
        sessions=options.messages,
        users=options.messages // 10,
        seed=7,
        no_consent_rate=0,  # they cost less: earlier releases are compared with this one
        start_ms=time.time_ns() // 1_000_000 - DAY_MS,
    )
    messages = [(message.key, message.value) for message in traffic(sessions)][: options.messages]
    kinds = {"bare": bare, "gate": gate, "without_transactions": gate_without_transactions}
    rates: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(options.rounds):
        for kind, run in kinds.items():
            rates[kind].append(_round(run, messages))
            _tell(f"round {number + 1} {kind}: {rates[kind][-1]:,.0f} messages/s")
    medians = {kind: statistics.median(of) for kind, of in rates.items()}
    result = {
        "messages": len(messages),
        "bytes_per_message": round(sum(len(value) for _, value in messages) / len(messages)),
        "batch_size": GateSettings().batch_size,
        "bare_per_s": round(medians["bare"]),
        "gate_per_s": round(medians["gate"]),
        "without_transactions_per_s": round(medians["without_transactions"]),
        "ratio": round(medians["gate"] / medians["bare"], 3),
        "ratio_to_without_transactions": round(medians["gate"] / medians["without_transactions"], 3),
        "rounds": {kind: [round(rate) for rate in of] for kind, of in rates.items()},
    }
    print(json.dumps(result))
    return 0


def _round(run: Callable[[KafkaSettings, int], float], messages: list[tuple[bytes, bytes]]) -> float:
    """Returns messages per second of one run, on topics made and loaded for it."""
    settings = KafkaSettings(topic_prefix=f"bench-gate-{os.getpid()}-{time.monotonic_ns()}-")
    clients.ensure_topics(settings)
    loader, raw = clients.producer(settings), clients.name(settings, topics.RAW)
    for key, value in messages:
        produce(loader, raw, value, key)
    loader.flush()
    time.sleep(_SETTLED_S)
    try:
        with get_context("spawn").Pool(1) as process:
            seconds = process.apply(run, (settings, len(messages)))
    finally:
        admin = AdminClient(clients.properties(settings))
        declared = topics.declared(settings.partitions, settings.retention_ms)
        for deleted in admin.delete_topics(
            [clients.name(settings, topic.name) for topic in declared]
        ).values():
            deleted.result(TIMEOUT_S)
    return len(messages) / seconds


def bare(settings: KafkaSettings, messages: int) -> float:
    """Returns the seconds to read `messages` and write them in transactions."""
    gate_settings = GateSettings()
    client = consumer(settings, gate_settings)
    producer = clients.producer(
        settings, **{"transactional.id": settings.topic_prefix + "bare", "delivery.report.only.error": True}
    )
    producer.init_transactions()
    source = clients.name(settings, topics.RAW)
    client.subscribe([source])
    target = clients.name(settings, topics.VALID)
    garbage_collection.tune_for_batches()
    done, started = 0, 0.0
    while done < messages:
        batch = client.consume(gate_settings.batch_size, gate_settings.linger_ms / 1000)
        if not batch:
            continue
        started = started or time.monotonic()
        producer.begin_transaction()
        ends: dict[int | None, int] = {}
        for message in batch:
            producer.produce(target, message.value(), message.key())
            ends[message.partition()] = (message.offset() or 0) + 1
        positions = [TopicPartition(source, partition or 0, end) for partition, end in ends.items()]
        producer.send_offsets_to_transaction(positions, client.consumer_group_metadata())
        producer.commit_transaction()
        done += len(batch)
    seconds = time.monotonic() - started
    client.close()
    return seconds


def gate(settings: KafkaSettings, messages: int) -> float:
    """Returns the seconds that the real stage takes for the same, with separate keys in Redis."""
    return _staged(transactional, settings, messages)


def gate_without_transactions(settings: KafkaSettings, messages: int) -> float:
    """Returns the same for the gate that commits offsets separately from its output."""
    return _staged(_without_transactions, settings, messages)


class _PlainWriter:
    """The fastest idempotent producer; after a crash between output and commit, records are written twice."""

    def __init__(self, settings: KafkaSettings, member: Consumer) -> None:
        self._settings, self._member = settings, member
        self._producer = clients.producer(settings, **{"delivery.report.only.error": True})

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        produce(self._producer, clients.name(self._settings, topic), value, key, headers)

    def flush(self) -> None:
        self._producer.flush()

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        self._member.commit(offsets=list(offsets), asynchronous=False)

    def abort(self) -> None:
        raise NotImplementedError("there is no transaction to abort")

    def poll(self) -> None:
        self._producer.poll(0)


def _without_transactions(settings: KafkaSettings, gate_settings: GateSettings, member: Consumer) -> Writer:
    return _PlainWriter(settings, member)


NewWriter = Callable[[KafkaSettings, GateSettings, Consumer], Writer]


def _staged(new_writer: NewWriter, settings: KafkaSettings, messages: int) -> float:
    times: dict[Step, float] = {}

    def passing(step: Step) -> None:
        if step != "read" or step not in times:
            times[step] = time.monotonic()

    gate_settings = GateSettings()
    seen = RedisDedupStore(RedisSettings(key_prefix=settings.topic_prefix), gate_settings)
    _fill_horizon(seen, settings, gate_settings)
    observer = Observer(GATE.name, PrometheusMeter())  # with metrics, as in production
    stop = Event()
    garbage_collection.tune_for_batches()
    running = Thread(
        target=run_gate, args=(settings, gate_settings, seen, stop, passing, observer, new_writer)
    )
    running.start()
    group = clients.consumer(settings, GATE.group)
    raw = clients.name(settings, topics.RAW)
    while running.is_alive() and _committed(group, raw, settings.partitions) < messages:
        time.sleep(0.1)
    stop.set()
    running.join()
    group.close()
    seen.drop()
    return times["committed"] - times["read"]


def _fill_horizon(seen: RedisDedupStore, settings: KafkaSettings, gate_settings: GateSettings) -> None:
    """Makes a generation that matches the gate's new topics, with sessions in all earlier segments."""
    log = CommittedLog(settings).identity(topics.RAW, topics.VALID)
    nothing_yet = LogProgress(log, offsets={}, arrived_ms={}, low_watermark_ms=0, begins_ms=0)
    past = Generation("past")
    seen.start_rebuild(past, nothing_yet)
    seen.finish_rebuild(past, nothing_yet)
    seen.trust(seen.incarnation())
    now_ms, segment_ms = time.time_ns() // 1_000_000, gate_settings.horizon.segment_ms
    earlier = list(valid_sessions(_PAST_SESSIONS))
    for ago in range(gate_settings.horizon_segments, 0, -1):
        at_ms = now_ms - ago * segment_ms
        for begin in range(0, len(earlier), gate_settings.batch_size):
            batch = [
                replace(session, session_pseudonym=f"{session.session_pseudonym}-{ago}", event_time_ms=at_ms)
                for session in earlier[begin : begin + gate_settings.batch_size]
            ]
            positions = [RawPosition(_NOWHERE + begin + i) for i in range(len(batch))]
            seen.claim(ClaimRequest(past, batch, positions, [at_ms] * len(batch)))


def _committed(group: Consumer, topic: str, partitions: int) -> int:
    places = [TopicPartition(topic, partition) for partition in range(partitions)]
    return sum(max(place.offset, 0) for place in read_committed_offsets(group, places))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
