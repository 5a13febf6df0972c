"""A gate and a Flink job played by their own pure functions, so that the stages beside them can be watched
alone; and those stages as processes of their own, to be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from waiting import HUNG_S

from stack.components.stages import MODULES
from streaming.contract import topics
from streaming.contract.rejection import Rejection
from streaming.contract.valid_session import StoredSession, decode_stored, encode
from streaming.kafka import clients
from streaming.kafka import offsets as kafka_progress
from streaming.settings import KafkaSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL
from streaming.summaries.product import Windows
from streaming.words.lists import Words
from support.gate_model import GateModel
from support.sessions import PSEUDONYMS

HORIZON_MS = 21 * 86_400_000


class Pipeline:
    """The topics of one test, and what goes into them."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka
        self._producer: Producer = clients.producer(
            kafka, **{"transactional.id": clients.name(kafka, "test"), "linger.ms": 5}
        )
        self._producer.init_transactions(HUNG_S)
        self._gate = GateModel(HORIZON_MS)
        self._windows, self._words = Windows(USUAL), Words()
        self._written: dict[str, object] = {}
        self._at = {"gate": dict[int, int](), "summaries": dict[int, int]()}

    def send(self, count: int, seed: int = 1) -> None:
        """Simulated sessions, with the share of duplicates and broken messages that the simulator makes."""
        sender = clients.producer(self.kafka)
        now_ms = time.time_ns() // 1_000_000
        settings = TrafficSettings(
            sessions=count, seed=seed, users=200, start_ms=now_ms - 3_600_000, span_s=3600
        )
        for message in traffic(settings):
            sender.produce(clients.name(self.kafka, topics.RAW), message.value, message.key)
            sender.poll(0)
        assert sender.flush(HUNG_S) == 0

    def judge(self) -> None:
        """What the gate does with everything sent and not yet judged."""
        self._producer.begin_transaction()
        ends: dict[int, int] = {}
        for message in clients.read_all(self.kafka, topics.RAW):
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            ends[partition] = offset + 1
            if offset < self._at["gate"].get(partition, 0):
                continue
            arrived_at_ms = message.timestamp()[1]
            judged = self._gate.outcome(message.value(), partition, offset, arrived_at_ms)
            if isinstance(judged, Rejection):
                headers: list[tuple[str, Any]] = [
                    (topics.HEADER_REASON, judged.reason.encode()),
                    (topics.HEADER_DETAIL, judged.detail.encode()),
                    (topics.HEADER_RAW_PARTITION, b"%d" % partition),
                    (topics.HEADER_RAW_OFFSET, b"%d" % offset),
                ]
                value, key = message.value(), message.key()
                if judged.keeps_nothing:
                    headers.append((topics.HEADER_REFUSED_BY, judged.refused_by))
                    value, key = None, b"%d" % partition
                self._produce(topics.REJECTED, value, key, headers)
                continue
            self._produce(topics.VALID, encode(judged), judged.user_pseudonym.encode())
        self._commit("gate", topics.RAW, ends)
        self._visible(topics.VALID, topics.REJECTED)

    def summarise(self) -> None:
        """What Flink does with every valid session not yet summarised."""
        self._producer.begin_transaction()
        ends: dict[int, int] = {}
        for message in clients.read_all(self.kafka, topics.VALID):
            partition, offset = message.partition(), message.offset()
            assert partition is not None
            assert offset is not None
            ends[partition] = offset + 1
            if offset < self._at["summaries"].get(partition, 0):
                continue
            session = decode_stored(message.value() or b"", PSEUDONYMS)
            for topic, id_, document in documents(session, self._words):
                self._produce(topic, msgspec.json.encode(document), id_.encode())
            self._windows.add(session)
        for id_, activity in self._windows.activities().items():
            if self._written.get(id_) != activity:
                self._produce(topics.PRODUCT_ACTIVITY, msgspec.json.encode(activity), id_.encode())
                self._written[id_] = activity
        self._commit("summaries", topics.VALID, ends)
        self._visible(*topics.INDEXED)

    def valid(self) -> list[StoredSession]:
        found = (
            decode_stored(message.value() or b"", PSEUDONYMS)
            for message in clients.read_all(self.kafka, topics.VALID)
        )
        return [session for session in found if isinstance(session, StoredSession)]

    def drain(self, group: str, *of: str) -> None:
        """Returns when `group` has committed past all of `of`."""
        deadline_s = time.monotonic() + HUNG_S
        for topic in of:
            ends = kafka_progress.ends(self.kafka, topic)
            kafka_progress.wait_past(self.kafka, group, topic, ends, deadline_s)
        if group == "gate":
            self._visible(topics.VALID, topics.REJECTED)

    def lag(self, group: str, *of: str) -> int:
        """Records of `of` that `group` has not committed past."""
        looker = clients.consumer(self.kafka, group)
        try:
            waiting = 0
            for topic in of:
                records: dict[int, list[int]] = {}
                for message in clients.read_all(self.kafka, topic):
                    records.setdefault(message.partition() or 0, []).append(message.offset() or 0)
                for partition, offsets in records.items():
                    at = TopicPartition(clients.name(self.kafka, topic), partition)
                    [committed] = looker.committed([at], timeout=HUNG_S)
                    waiting += sum(offset >= committed.offset for offset in offsets)
            return waiting
        finally:
            looker.close()

    def members(self, group: str) -> int:
        """Instances of a stage that have a share of the partitions."""
        name = clients.name(self.kafka, group)
        admin = AdminClient(clients.properties(self.kafka))
        found = admin.describe_consumer_groups([name])[name].result(HUNG_S)
        return sum(bool(member.assignment.topic_partitions) for member in found.members)

    def _visible(self, *of: str) -> None:
        """A transaction shows some time after it is committed."""
        for topic in of:
            kafka_progress.wait_visible(self.kafka, topic, time.monotonic() + HUNG_S)

    def _produce(
        self, topic: str, value: bytes | None, key: bytes | None, headers: list[tuple[str, Any]] | None = None
    ) -> None:
        self._producer.produce(clients.name(self.kafka, topic), value, key, headers=headers)
        self._producer.poll(0)

    def _commit(self, group: str, topic: str, ends: dict[int, int]) -> None:
        self._at[group] = ends
        member = clients.consumer(self.kafka, group)
        offsets = [TopicPartition(clients.name(self.kafka, topic), *end) for end in ends.items()]
        self._producer.send_offsets_to_transaction(offsets, member.consumer_group_metadata(), HUNG_S)
        self._producer.commit_transaction(HUNG_S)
        member.close()


class Stages:
    """Stages as processes, with the names of the test."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, stage: str, **more: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", MODULES[stage]],
                env={**os.environ, **self.environment, **more},
                stderr=log,
            )
        self._running.append(process)
        return process

    def said(self, event: str) -> bool:
        """Whether a stage has logged `event`."""
        return any(
            msgspec.json.decode(line)["event"] == event for line in self._log.read_bytes().splitlines()
        )

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL: no last word."""
        process.kill()
        process.wait(HUNG_S)
        self._running.remove(process)

    def kill_at_work(
        self, process: subprocess.Popen[bytes], has_work: Callable[[], bool], more: Callable[[], None]
    ) -> None:
        """At any moment at which it `has_work` left, looked at while it stands still. One that was too quick
        to be met at work gets `more` to do."""
        while True:
            process.send_signal(signal.SIGSTOP)
            if has_work():
                return self.kill(process)
            process.send_signal(signal.SIGCONT)
            more()

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """SIGTERM, and the exit code."""
        process.send_signal(signal.SIGTERM)
        self._running.remove(process)
        return process.wait(HUNG_S)

    def kill_all(self) -> None:
        for process in list(self._running):
            self.kill(process)
