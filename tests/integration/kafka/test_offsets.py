"""Lag, ends and reads on the real broker, whose transactions put markers between the records."""

import time

import pytest
from confluent_kafka import Producer, TopicPartition
from waiting import HUNG_S

from streaming.contract import topics
from streaming.kafka import clients, offsets
from streaming.kafka.offsets import StageBehind
from streaming.settings import KafkaSettings

GROUP = "reader"


@pytest.fixture
def kafka(kafka: KafkaSettings) -> KafkaSettings:
    clients.ensure_topics(kafka)
    return kafka


@pytest.fixture
def writer(kafka: KafkaSettings) -> Producer:
    producer = clients.producer(kafka, **{"transactional.id": clients.name(kafka, "writer")})
    producer.init_transactions(HUNG_S)
    return producer


def _write(kafka: KafkaSettings, writer: Producer, *values: bytes) -> None:
    """Into an open transaction on partition 0."""
    writer.begin_transaction()
    for value in values:
        writer.produce(clients.name(kafka, topics.VALID), value, partition=0)
    assert writer.flush(HUNG_S) == 0


def _acknowledge(kafka: KafkaSettings, upto: int) -> None:
    consumer = clients.consumer(kafka, GROUP)
    consumer.commit(offsets=[TopicPartition(clients.name(kafka, topics.VALID), 0, upto)], asynchronous=False)
    consumer.close()


def _ends_once_decided(kafka: KafkaSettings) -> dict[int, int]:
    """The broker writes the marker of a transaction some time after it has taken the commit."""
    offsets.wait_visible(kafka, topics.VALID, time.monotonic() + HUNG_S)
    return offsets.ends(kafka, topics.VALID)


def _values(kafka: KafkaSettings) -> list[bytes | None]:
    return [message.value() for message in clients.read_all(kafka, topics.VALID)]


def test_a_group_that_saw_every_record_is_not_behind_though_a_marker_follows(
    kafka: KafkaSettings, writer: Producer
) -> None:
    _write(kafka, writer, b"a", b"b", b"c")
    writer.commit_transaction(HUNG_S)
    ends = _ends_once_decided(kafka)
    assert ends[0] == 4  # three records and the marker
    assert offsets.lag(kafka, GROUP, [topics.VALID]) == 4
    _acknowledge(kafka, 2)
    assert offsets.lag(kafka, GROUP, [topics.VALID]) == 2
    with pytest.raises(StageBehind, match=f"`{GROUP}` is 2 offsets behind"):
        offsets.wait_past(kafka, GROUP, topics.VALID, ends, time.monotonic())
    _acknowledge(kafka, 3)
    assert offsets.lag(kafka, GROUP, [topics.VALID]) == 0
    offsets.wait_past(kafka, GROUP, topics.VALID, ends, time.monotonic())
    assert offsets.committed(kafka, GROUP, topics.VALID)[0] == 3


def test_an_aborted_transaction_is_passed_over(kafka: KafkaSettings, writer: Producer) -> None:
    _write(kafka, writer, b"a")
    writer.abort_transaction(HUNG_S)
    ends = _ends_once_decided(kafka)
    assert ends[0] == 2
    assert offsets.lag(kafka, GROUP, [topics.VALID]) == 0
    assert _values(kafka) == []


def test_an_open_transaction_hides_what_comes_after_it(kafka: KafkaSettings, writer: Producer) -> None:
    _write(kafka, writer, b"open")
    plain = clients.producer(kafka)
    plain.produce(clients.name(kafka, topics.VALID), b"after", partition=0)
    assert plain.flush(HUNG_S) == 0
    assert offsets.ends(kafka, topics.VALID)[0] == 2
    assert _values(kafka) == []
    with pytest.raises(StageBehind, match="stays open"):
        offsets.wait_visible(kafka, topics.VALID, time.monotonic())
    with pytest.raises(StageBehind):
        offsets.wait_past(kafka, GROUP, topics.VALID, {0: 2}, time.monotonic())
    writer.commit_transaction(HUNG_S)
    assert _ends_once_decided(kafka)[0] == 3
    assert _values(kafka) == [b"open", b"after"]


def test_reading_begins_where_it_is_told_and_ends_with_the_topic(
    kafka: KafkaSettings, writer: Producer
) -> None:
    _write(kafka, writer, b"a", b"b", b"c")
    writer.commit_transaction(HUNG_S)
    _ends_once_decided(kafka)
    assert [message.value() for message in clients.read_all(kafka, topics.VALID, {0: 1})] == [b"b", b"c"]
    assert list(clients.read_all(kafka, topics.VALID, {0: 4})) == []


def test_a_read_ends_where_it_is_told(kafka: KafkaSettings, writer: Producer) -> None:
    _write(kafka, writer, b"0", b"1", b"2")
    writer.commit_transaction(HUNG_S)
    for until, found in ({0: 2}, [b"0", b"1"]), ({0: 0}, []), (None, [b"0", b"1", b"2"]):
        read = clients.read_all(kafka, topics.VALID, until=until)
        assert [message.value() for message in read] == found
