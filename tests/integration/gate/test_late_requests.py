"""A network that holds requests back and loses answers: nothing of one transaction alters another."""

import random
import socket
import struct
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from typing import Literal

import pytest
from confluent_kafka import TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from support.gates import Gates

from streaming.contract import topics
from streaming.kafka.clients import consumer, ensure_topics, name, read_all
from streaming.kafka.transactions import TransactionalWriter, TransactionLost
from streaming.settings import KafkaSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

DAY_MS = 86_400_000
PRODUCE, ADD_OFFSETS, END, COMMIT_OFFSETS = 0, 25, 26, 28
"""Api keys of Kafka's protocol."""
FENCED = {47, 90}
"""INVALID_PRODUCER_EPOCH and PRODUCER_FENCED."""

Fate = Literal["pass", "late", "unanswered", "stalled"]
"""late: the connection breaks before the request arrives, which it does when `deliver` is called. unanswered:
the request arrives, its answer never does. stalled: neither, and the connection stands."""


@dataclass
class _Link:
    """A client's connection, and the one to the broker that goes with it."""

    client: socket.socket
    broker: socket.socket
    ignored: set[bytes] = field(default_factory=set)
    """Correlation ids of requests whose answers are lost."""
    late: bool = False
    unheard: Queue[bytes] = field(default_factory=Queue)


class Network:
    """Between clients and the broker. `fate` is asked about each request, by its api key."""

    def __init__(self, broker: str) -> None:
        host, port = broker.split(":")
        self._broker = host, int(port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.fate: Callable[[int], Fate] = lambda api: "pass"
        self.held: list[tuple[_Link, bytes]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def once(self, api: int, fate: Fate) -> None:
        """The next request of this kind meets `fate`."""
        waiting = [fate]
        self.fate = lambda asked: waiting.pop() if asked == api and waiting else "pass"

    def deliver(self) -> list[int]:
        """Every request held back arrives where it was sent; gives the error codes of the answers."""
        codes = []
        while self.held:
            link, request = self.held.pop(0)
            link.broker.sendall(request)
            codes.append(struct.unpack(">h", link.unheard.get(timeout=60)[12:14])[0])
            link.broker.shutdown(socket.SHUT_RDWR)
        return codes

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                link = _Link(self._listening.accept()[0], socket.create_connection(self._broker))
                for end in (link.client, link.broker):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._requests, args=(link,), daemon=True).start()
                threading.Thread(target=self._answers, args=(link,), daemon=True).start()

    def _requests(self, link: _Link) -> None:
        with suppress(OSError):
            while request := _read(link.client):
                match self.fate(struct.unpack(">h", request[4:6])[0]):
                    case "late":
                        link.late = True
                        self.held.append((link, request))
                        link.client.shutdown(socket.SHUT_RDWR)
                        return
                    case "stalled":
                        continue
                    case "unanswered":
                        link.ignored.add(request[8:12])
                link.broker.sendall(request)
        with suppress(OSError):
            link.broker.shutdown(socket.SHUT_RDWR)

    def _answers(self, link: _Link) -> None:
        # Clients are to find the broker here: an address reads alike in all versions of the protocol.
        host, port = self._broker
        there, here = (host.encode() + struct.pack(">i", at) for at in (port, self.port))
        with suppress(OSError):
            while answer := _read(link.broker):
                if link.late:
                    link.unheard.put(answer)
                elif answer[4:8] not in link.ignored:
                    link.client.sendall(answer.replace(there, here))
        with suppress(OSError):
            link.client.shutdown(socket.SHUT_RDWR)


def _read(connection: socket.socket) -> bytes | None:
    """One message with its length in front; None at the end."""
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack(">i", data[:4])[0]:
        wanted = 4 + struct.unpack(">i", data[:4])[0] if len(data) >= 4 else 4
        if not (read := connection.recv(wanted - len(data))):
            return None
        data += read
    return data


@pytest.fixture
def network(kafka: KafkaSettings) -> Iterator[Network]:
    ensure_topics(kafka)
    network = Network(kafka.bootstrap_servers)
    yield network
    network.close()


def through(network: Network, kafka: KafkaSettings) -> KafkaSettings:
    return kafka.model_copy(update={"bootstrap_servers": f"127.0.0.1:{network.port}"})


def visible(kafka: KafkaSettings) -> list[bytes | None]:
    return [message.value() for message in read_all(kafka, topics.VALID)]


class Group:
    """Commits through a writer for a consumer group, and reads what came of it."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._client = consumer(kafka, "late")
        self._raw = name(kafka, topics.RAW)

    def commit(self, writer: TransactionalWriter, offset: int) -> None:
        writer.commit(self._client.consumer_group_metadata(), [TopicPartition(self._raw, 0, offset)])

    def committed(self) -> int:
        [found] = self._client.committed([TopicPartition(self._raw, 0)], timeout=60)
        assert found.error is None
        return found.offset


def test_a_commit_that_comes_late_does_not_commit_the_next_transaction(
    network: Network, kafka: KafkaSettings
) -> None:
    writer, group = TransactionalWriter(through(network, kafka), "late", 60_000), Group(kafka)
    network.once(END, "late")
    writer.send(topics.VALID, b"first", b"")
    writer.flush()
    group.commit(writer, 1)
    assert len(network.held) == 1
    writer.send(topics.VALID, b"second", b"")
    writer.flush()
    answers = network.deliver()
    assert visible(kafka) == [b"first"]
    assert set(answers) <= FENCED
    writer.abort()
    assert visible(kafka) == [b"first"]
    assert group.committed() == 1


def test_an_abort_that_comes_late_does_not_abort_the_next_transaction(
    network: Network, kafka: KafkaSettings
) -> None:
    writer, group = TransactionalWriter(through(network, kafka), "late", 60_000), Group(kafka)
    network.once(END, "late")
    writer.send(topics.VALID, b"first", b"")
    writer.flush()
    writer.abort()
    assert len(network.held) == 1
    writer.send(topics.VALID, b"second", b"")
    writer.flush()
    assert set(network.deliver()) <= FENCED
    group.commit(writer, 2)
    assert visible(kafka) == [b"second"]
    assert group.committed() == 2


def test_offsets_that_come_late_do_not_take_the_next_transactions_back(
    network: Network, kafka: KafkaSettings
) -> None:
    writer, group = TransactionalWriter(through(network, kafka), "late", 60_000), Group(kafka)
    network.once(COMMIT_OFFSETS, "late")
    group.commit(writer, 1)
    assert len(network.held) == 1

    def fate(api: int) -> Fate:
        if api == END:  # between the next transaction's offsets and its end
            network.deliver()
        return "pass"

    network.fate = fate
    group.commit(writer, 2)
    assert group.committed() == 2


@pytest.mark.parametrize(
    ("fate", "offset", "values"), [("unanswered", 1, [b"first"]), ("stalled", -1001, [])]
)
def test_a_commit_of_unknown_outcome_is_decided_when_the_writer_says_that_it_was_lost(
    network: Network, kafka: KafkaSettings, fate: Fate, offset: int, values: list[bytes]
) -> None:
    writer, group = TransactionalWriter(through(network, kafka), "late", 60_000), Group(kafka)
    network.once(END, fate)
    writer.send(topics.VALID, b"first", b"")
    writer.flush()
    with pytest.raises(TransactionLost):
        group.commit(writer, 1)
    assert group.committed() == offset
    assert visible(kafka) == values
    writer.send(topics.VALID, b"second", b"")
    group.commit(writer, 2)
    # Keys are empty, so each record may stand in any partition.
    assert Counter(visible(kafka)) == Counter([*values, b"second"])


def messages(sessions: int) -> Sequence[tuple[bytes, bytes]]:
    start_ms = time.time_ns() // 1_000_000 - 2 * DAY_MS
    settings = {"sessions": sessions, "users": sessions // 5, "start_ms": start_ms, "duplicate_rate": 0.05}
    return [(one.key, one.value) for one in traffic(TrafficSettings.model_validate(settings))]


@pytest.fixture
def gates_behind(gates: Gates, network: Network) -> Gates:
    gates.environment["VITRINE_KAFKA_BOOTSTRAP_SERVERS"] = f"127.0.0.1:{network.port}"
    return gates


def test_a_gate_killed_in_a_transaction_that_a_late_commit_met_repeats_nothing(
    gates_behind: Gates, network: Network
) -> None:
    gates = gates_behind
    killed = threading.Event()

    def fate(api: int) -> Fate:
        if api == END and gates.committed() > 200 and not network.held and not killed.is_set():
            return "late"
        if api == ADD_OFFSETS and network.held:  # the next batch is written, its offsets are not
            network.deliver()
            gates.running["0"].kill()
            killed.set()
        return "pass"

    network.fate = fate
    gates.send(messages(2_000))
    gates.start(batch_size=100)
    gates.wait_for(killed.is_set, "a gate killed")
    gates.kill()
    gates.wait_until_done_by_starting()
    gates.judge()


def test_a_commit_without_an_answer_counts_once(
    gates_behind: Gates, network: Network, free_port: int
) -> None:
    gates = gates_behind
    gates.environment["VITRINE_METRICS_PORT"] = str(free_port)
    network.once(END, "unanswered")
    sent = messages(1_000)
    gates.send(sent)
    gates.start(batch_size=100)
    gates.wait_until_done()
    gates.judge()
    assert gates.said("transaction_in_doubt") == 1
    counted = f"http://127.0.0.1:{free_port}/metrics"

    def outcomes() -> float:
        text = urllib.request.urlopen(counted, timeout=60).read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "vitrine_outcomes_total"
        )

    gates.wait_for(lambda: outcomes() >= len(sent), "every outcome counted")
    assert outcomes() == len(sent)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize("seed", range(3))
def test_a_gate_on_a_bad_network_loses_and_repeats_nothing(
    gates_behind: Gates, network: Network, seed: int
) -> None:
    gates, chance = gates_behind, random.Random(seed)
    slow, lock = iter(["unanswered", "stalled"]), threading.Lock()  # each waits for its time-out

    def fate(api: int) -> Fate:
        with lock:
            if api in (PRODUCE, ADD_OFFSETS, COMMIT_OFFSETS, END) and network.held and chance.random() < 0.3:
                network.deliver()
            if api in (ADD_OFFSETS, COMMIT_OFFSETS, END) and chance.random() < 0.15:
                return "late"
            if api == END and chance.random() < 0.05:
                return next(slow, "pass")  # type: ignore[arg-type]
            return "pass"

    def more_than(count: int) -> bool:
        return gates.committed() > count

    network.fate = fate
    sent = messages(6_000)
    for part in range(4):
        gates.send(sent[part * 1_500 : (part + 1) * 1_500])
        before = gates.committed()
        gates.start(batch_size=chance.choice([30, 60, 90]))
        gates.wait_for(partial(more_than, before + 300), "some progress")
        gates.kill()
    network.fate = lambda api: "pass"
    network.deliver()
    gates.wait_until_done_by_starting()
    gates.judge()
