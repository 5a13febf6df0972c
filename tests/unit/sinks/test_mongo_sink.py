"""Sessions go into the store, what is no session becomes a dead letter, and nothing stops the stage."""

from typing import Any

import pytest
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import OtherKey
from streaming.contract.valid_session import encode
from streaming.settings import KafkaSettings
from streaming.sinks.mongo.documents import document
from streaming.sinks.mongo.memory import InMemorySessions
from streaming.sinks.mongo.sink import NO_SESSION, MongoSink


class FakeMessage:
    def __init__(self, offset: int, value: bytes | None) -> None:
        self._offset, self._value = offset, value

    def topic(self) -> str:
        return "valid_customer_session"

    def partition(self) -> int:
        return 1

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes | None:
        return self._value


class FakeProducer:
    def __init__(self) -> None:
        self.produced: list[tuple[bytes | None, dict[str, bytes]]] = []

    def produce(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        partition: int,
        on_delivery: Any,
        headers: Any,
        timestamp: int,
    ) -> None:
        self.produced.append((value, dict(headers)))

    def flush(self, timeout: float) -> int:
        return 0


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff", b"[" * 100_000, b'{"sessionId": 1}', b"null"])
def test_a_message_of_another_client_becomes_a_dead_letter(value: bytes | None) -> None:
    producer, sessions = FakeProducer(), InMemorySessions()
    storing = MongoSink(KafkaSettings(), sessions, producer, PSEUDONYMS)  # type: ignore[arg-type]
    storing.write(storing.read([FakeMessage(7, value)]))  # type: ignore[list-item]
    [(kept, headers)] = producer.produced
    assert kept == value
    assert headers["reason"] == NO_SESSION.encode()
    assert (headers["partition"], headers["offset"]) == (b"1", b"7")
    assert list(sessions.scan()) == []


def test_it_does_not_go_on_with_another_key() -> None:
    sessions = InMemorySessions()
    sessions.insert([{"_id": "of an earlier release", "sessionId": "s"}])
    other = MongoSink(KafkaSettings(), sessions, FakeProducer(), Pseudonyms("x" * 20))  # type: ignore[arg-type]
    other.prepare()
    sessions.insert([document(encode(valid_session()), PSEUDONYMS)])
    with pytest.raises(OtherKey, match="MongoDB"):
        other.prepare()
    MongoSink(KafkaSettings(), sessions, FakeProducer(), PSEUDONYMS).prepare()  # type: ignore[arg-type]
