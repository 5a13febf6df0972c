"""A topic and one consumer group on it: in memory, as much of Kafka as a batch runner sees, and the real one.

In memory, a member that joins or leaves has every member's partitions dealt anew, each from its committed
offset on; a member learns of it when it next asks for records, as from the real client.
"""

import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from confluent_kafka import Consumer, TopicPartition
from waiting import HUNG_S

from streaming.contract import topics
from streaming.kafka import clients, sink_runner
from streaming.kafka.committed_log import read_committed_offsets
from streaming.kafka.sink_runner import SinkSettings
from streaming.settings import KafkaSettings

PARTITIONS = 3
TOPIC = "t"


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

    def value(self) -> bytes:
        return self._value


class MemoryBroker:
    """The log, the group's committed offsets, and who is in the group."""

    def __init__(self, partitions: int) -> None:
        self.lock = threading.RLock()
        self.log: list[list[bytes]] = [[] for _ in range(partitions)]
        self.offsets = dict.fromkeys(range(partitions), 0)
        self.members: list[MemoryMember] = []
        self.generation = 0

    def send(self, partition: int, values: Sequence[bytes]) -> None:
        with self.lock:
            self.log[partition].extend(values)

    def member(self, settings: SinkSettings) -> "MemoryMember":
        with self.lock:
            joined = MemoryMember(self)
            self.members.append(joined)
            self.generation += 1
            return joined

    def leave(self, member: "MemoryMember") -> None:
        with self.lock:
            self.members.remove(member)
            self.generation += 1

    def committed(self) -> dict[int, int]:
        with self.lock:
            return dict(self.offsets)

    def dealt_to(self, member: "MemoryMember") -> list[int]:
        at = self.members.index(member)
        return [partition for partition in self.offsets if partition % len(self.members) == at]


class MemoryMember:
    """A subscribed consumer."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker, self._generation = broker, -1
        self._read_to: dict[int, int] = {}
        self._paused: set[int] = set()

    def consume(self, count: int, timeout: float) -> list[MemoryMessage]:
        with self._broker.lock:
            self._rejoin()
            found: list[MemoryMessage] = []
            for partition in sorted(self._read_to.keys() - self._paused):
                begin = self._read_to[partition]
                values = self._broker.log[partition][begin : begin + count - len(found)]
                found += [MemoryMessage(partition, begin + n, value) for n, value in enumerate(values)]
                self._read_to[partition] += len(values)
        if not found:
            time.sleep(min(timeout, 0.001))
        return found

    def poll(self, timeout: float) -> MemoryMessage | None:
        return next(iter(self.consume(1, timeout)), None)

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(TOPIC, partition) for partition in self._read_to]

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused |= {one.partition for one in partitions}

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused -= {one.partition for one in partitions}

    def commit(self, offsets: Sequence[TopicPartition], asynchronous: bool) -> None:
        with self._broker.lock:
            for one in offsets:
                self._broker.offsets[one.partition] = one.offset

    def close(self) -> None:
        self._broker.leave(self)

    def _rejoin(self) -> None:
        if self._generation != self._broker.generation:
            self._generation, self._paused = self._broker.generation, set()
            self._read_to = {at: self._broker.offsets[at] for at in self._broker.dealt_to(self)}


class RealBroker:
    """The running Kafka."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        clients.ensure_topics(settings)
        self._topic = clients.name(settings, topics.VALID)
        self._asker = clients.consumer(settings, "laws")

    def send(self, partition: int, values: Sequence[bytes]) -> None:
        producer = clients.producer(self._settings)
        for value in values:
            producer.produce(self._topic, value, partition=partition)
        assert producer.flush(HUNG_S) == 0

    def member(self, settings: SinkSettings) -> Consumer:
        return sink_runner.consumer(self._settings, "laws", [topics.VALID], settings)

    def committed(self) -> dict[int, int]:
        places = [TopicPartition(self._topic, partition) for partition in range(PARTITIONS)]
        return {at.partition: max(at.offset, 0) for at in read_committed_offsets(self._asker, places)}

    def close(self) -> None:
        self._asker.close()


@pytest.fixture(params=["in memory", "real"])
def broker(request: pytest.FixtureRequest) -> Iterator[MemoryBroker | RealBroker]:
    if request.param == "in memory":
        yield MemoryBroker(PARTITIONS)
        return
    kafka = request.getfixturevalue("kafka").model_copy(update={"partitions": PARTITIONS})
    real = RealBroker(kafka)
    yield real
    real.close()
