"""A topic and one consumer group on it: in memory, as much of Kafka as a batch runner sees, and the real one.

In memory, a member that joins or leaves has every member's partitions dealt anew; a member learns of it when
it next asks for records, as from the real client.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, Consumer, TopicPartition
from waiting import HUNG_S

from streaming.contract import topics
from streaming.kafka import clients
from streaming.kafka.committed_log import read_committed_offsets
from streaming.settings import KafkaSettings
from streaming.sinks.settings import SinkSettings
from streaming.sinks.stage import consumer

PARTITIONS = 3
TOPIC = "t"

OnRebalance = Callable[[Any, list[TopicPartition]], None]


class MemoryMessage:
    """One record as the client hands it over."""

    def __init__(self, partition: int, offset: int, value: bytes) -> None:
        self._partition, self._offset, self._value = partition, offset, value

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_000

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return self._value


class MemoryBroker:
    """The log, the group's committed offsets with their metadata, and who is in the group."""

    topic = TOPIC

    def __init__(self, partitions: int) -> None:
        self.lock = threading.RLock()
        self.log: list[list[bytes]] = [[] for _ in range(partitions)]
        self.offsets: dict[int, tuple[int, str]] = {}
        self.members: list[MemoryMember] = []
        self.generation = 0

    def send(self, partition: int, values: Sequence[bytes]) -> None:
        with self.lock:
            self.log[partition].extend(values)

    def member(self, settings: SinkSettings) -> "MemoryMember":
        return MemoryMember(self)

    def join(self, member: "MemoryMember") -> None:
        with self.lock:
            self.members.append(member)
            self.generation += 1

    def leave(self, member: "MemoryMember") -> None:
        with self.lock:
            self.members.remove(member)
            self.generation += 1

    def committed(self) -> dict[int, int]:
        with self.lock:
            return {at: self.offsets.get(at, (0, ""))[0] for at in range(len(self.log))}

    def dealt_to(self, member: "MemoryMember") -> list[int]:
        at = self.members.index(member)
        return [partition for partition in range(len(self.log)) if partition % len(self.members) == at]


class MemoryMember:
    """A consumer."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker, self._generation = broker, -1
        self._dealt: list[int] = []
        self._read_to: dict[int, int] = {}

    def subscribe(
        self, topics: list[str], on_assign: OnRebalance, on_revoke: OnRebalance, on_lost: OnRebalance
    ) -> None:
        assert topics == [TOPIC]
        self._on_assign, self._on_revoke = on_assign, on_revoke
        self._broker.join(self)

    def consume(self, count: int, timeout: float) -> list[MemoryMessage]:
        self._rejoin()
        with self._broker.lock:
            found: list[MemoryMessage] = []
            for partition in sorted(self._read_to):
                begin = self._read_to[partition]
                values = self._broker.log[partition][begin : begin + count - len(found)]
                found += [MemoryMessage(partition, begin + n, value) for n, value in enumerate(values)]
                self._read_to[partition] += len(values)
        if not found:
            time.sleep(min(timeout, 0.001))
        return found

    def poll(self, timeout: float) -> MemoryMessage | None:
        return next(iter(self.consume(1, timeout)), None)

    def assign(self, partitions: list[TopicPartition]) -> None:
        with self._broker.lock:
            self._read_to = {at.partition: max(at.offset, 0) for at in partitions}

    def unassign(self) -> None:
        self.assign([])

    def assignment(self) -> list[TopicPartition]:
        return _places(self._read_to)

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        with self._broker.lock:
            found = {at.partition: self._broker.offsets.get(at.partition) for at in partitions}
        return [
            TopicPartition(TOPIC, at, held[0], held[1]) if held else TopicPartition(TOPIC, at, OFFSET_INVALID)
            for at, held in found.items()
        ]

    def consumer_group_metadata(self) -> object:
        return "group"

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        with self._broker.lock:
            for one in offsets:
                self._broker.offsets[one.partition] = one.offset, one.metadata or ""

    def close(self) -> None:
        self._revoke()
        self._broker.leave(self)

    def _rejoin(self) -> None:
        with self._broker.lock:
            if self._generation == self._broker.generation:
                return
            self._generation = self._broker.generation
            dealt = self._broker.dealt_to(self)
        # Not under the lock: what is called commits, in a thread of its own.
        if self._dealt:
            self._revoke()
        self._dealt = dealt
        self._on_assign(self, _places(dealt))

    def _revoke(self) -> None:
        self._on_revoke(self, _places(self._dealt))
        self.unassign()


def _places(partitions: Iterable[int]) -> list[TopicPartition]:
    return [TopicPartition(TOPIC, partition) for partition in partitions]


class RealBroker:
    """The running Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        clients.ensure_topics(settings)
        self.topic = clients.name(settings, topics.VALID)
        self._observer = clients.consumer(settings, "laws")

    def send(self, partition: int, values: Sequence[bytes]) -> None:
        producer = clients.producer(self._settings)
        for value in values:
            producer.produce(self.topic, value, partition=partition)
        assert producer.flush(HUNG_S) == 0

    def member(self, settings: SinkSettings) -> Consumer:
        return consumer(self._settings, "laws", settings)

    def committed(self) -> dict[int, int]:
        places = [TopicPartition(self.topic, partition) for partition in range(PARTITIONS)]
        return {at.partition: max(at.offset, 0) for at in read_committed_offsets(self._observer, places)}

    def close(self) -> None:
        self._observer.close()


@pytest.fixture(params=["in memory", "real"])
def broker(request: pytest.FixtureRequest) -> Iterator[MemoryBroker | RealBroker]:
    if request.param == "in memory":
        yield MemoryBroker(PARTITIONS)
        return
    kafka = request.getfixturevalue("kafka").model_copy(update={"partitions": PARTITIONS})
    real = RealBroker(kafka)
    yield real
    real.close()
