"""A full queue is waited for, whoever is to empty it; a real client, and no broker."""

from confluent_kafka import Message, Producer

from streaming.kafka.produce import produce


def test_a_record_waits_until_the_full_queue_has_let_one_go() -> None:
    given_up: list[Message] = []
    producer = Producer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "log_level": 0,
            "queue.buffering.max.messages": 1,
            "message.timeout.ms": 200,
        }
    )
    for value in (b"first", b"second", b"third"):
        produce(producer, "topic", value, b"key", on_delivery=lambda _, message: given_up.append(message))
    assert [message.value() for message in given_up[:2]] == [b"first", b"second"]
    producer.flush()
    assert [message.value() for message in given_up] == [b"first", b"second", b"third"]


def test_the_record_goes_as_it_was_given() -> None:
    sent: list[Message] = []
    producer = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})
    headers: list[tuple[str, str | bytes | None]] = [("reason", b"late"), ("empty", None)]
    produce(producer, "topic", None, b"key", headers, 3, lambda _, message: sent.append(message))
    producer.purge()
    producer.flush()
    [message] = sent
    assert (message.topic(), message.partition()) == ("topic", 3)
    assert (message.key(), message.value()) == (b"key", None)
