"""The extraction waits for gate and store, and not longer than its timeout."""

import time

import pytest
from confluent_kafka import KafkaException, TopicPartition
from waiting import HUNG_S, until

from streaming.contract import topics
from streaming.contract.topology import GATE, STORE
from streaming.extraction.frontier import wait
from streaming.kafka import clients
from streaming.kafka.offsets import StageBehind
from streaming.settings import KafkaSettings


@pytest.fixture
def kafka(kafka: KafkaSettings) -> KafkaSettings:
    clients.ensure_topics(kafka)
    return kafka


def _send(kafka: KafkaSettings, count: int = 1) -> None:
    producer = clients.producer(kafka)
    for n in range(count):
        producer.produce(clients.name(kafka, topics.RAW), value=b"{}", key=str(n), partition=0)
    assert producer.flush(HUNG_S) == 0


def _judge(kafka: KafkaSettings, upto: int, *, let_through: int = 0, abort: bool = False) -> None:
    """Does what the gate does: writes output and offset in one transaction."""
    name = clients.name(kafka, GATE.group)
    producer = clients.producer(kafka, **{"transactional.id": name})
    consumer = clients.consumer(kafka, GATE.group)
    producer.init_transactions(HUNG_S)
    producer.begin_transaction()
    for _ in range(let_through):
        producer.produce(clients.name(kafka, topics.VALID), value=b"{}", partition=0)
    offsets = [TopicPartition(clients.name(kafka, topics.RAW), 0, upto)]
    producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), HUNG_S)
    if abort:
        producer.flush(HUNG_S)
        producer.abort_transaction(HUNG_S)
    else:
        producer.commit_transaction(HUNG_S)
    consumer.close()


def _acknowledge(kafka: KafkaSettings, upto: int) -> None:
    """Does what the store does after its writes are acknowledged."""
    consumer = clients.consumer(kafka, STORE.group)
    consumer.commit(offsets=[TopicPartition(clients.name(kafka, topics.VALID), 0, upto)], asynchronous=False)
    consumer.close()


def _now_ms() -> int:
    """A moment after everything sent so far."""
    return time.time_ns() // 1_000_000 + 1


def test_a_cluster_without_the_topics_is_an_error(kafka: KafkaSettings) -> None:
    elsewhere = kafka.model_copy(update={"topic_prefix": f"{kafka.topic_prefix}nowhere-"})
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
        wait(elsewhere, _now_ms(), timeout_s=0)


def test_if_nothing_was_sent_it_does_not_wait(kafka: KafkaSettings) -> None:
    wait(kafka, _now_ms(), timeout_s=HUNG_S)


def test_waits_for_the_gate(kafka: KafkaSettings) -> None:
    _send(kafka, 3)
    now_ms = _now_ms()
    with pytest.raises(StageBehind, match="`gate`"):
        wait(kafka, now_ms, timeout_s=0)
    _judge(kafka, 2)
    with pytest.raises(StageBehind, match="`gate`"):
        wait(kafka, now_ms, timeout_s=0)
    _judge(kafka, 3)
    wait(kafka, now_ms, timeout_s=HUNG_S)


def test_waits_for_the_store(kafka: KafkaSettings) -> None:
    _send(kafka, 2)
    now_ms = _now_ms()
    _judge(kafka, 2, let_through=2)
    with pytest.raises(StageBehind, match="`store`"):
        wait(kafka, now_ms, timeout_s=0)
    _acknowledge(kafka, 1)
    with pytest.raises(StageBehind, match="`store`"):
        wait(kafka, now_ms, timeout_s=0)
    # The transaction's marker comes after the last session: the store never commits an offset past it.
    _acknowledge(kafka, 2)
    wait(kafka, now_ms, timeout_s=HUNG_S)


def test_aborted_records_are_not_waited_for(kafka: KafkaSettings) -> None:
    _send(kafka)
    now_ms = _now_ms()
    _judge(kafka, 1, let_through=2, abort=True)
    with pytest.raises(StageBehind, match="`gate`"):
        wait(kafka, now_ms, timeout_s=0)
    _judge(kafka, 1)
    wait(kafka, now_ms, timeout_s=HUNG_S)


def test_does_not_wait_for_later_arrivals(kafka: KafkaSettings) -> None:
    _send(kafka)
    _judge(kafka, 1)
    moment_ms = _now_ms()
    until(lambda: time.time_ns() // 1_000_000 > moment_ms, "the next millisecond")
    _send(kafka)
    wait(kafka, moment_ms, timeout_s=HUNG_S)
    with pytest.raises(StageBehind):
        wait(kafka, _now_ms(), timeout_s=0)


def test_a_moment_in_the_future_is_waited_for(kafka: KafkaSettings) -> None:
    moment_ms = _now_ms() + 500
    wait(kafka, moment_ms, timeout_s=HUNG_S)
    assert _now_ms() > moment_ms
