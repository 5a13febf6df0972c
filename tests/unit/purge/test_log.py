"""The copy of the log ends where the cut will be, on a stand-in of Kafka with one partition.

The same on the real one: tests/integration/stores/test_purge.py."""

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract import topics
from streaming.contract.valid_session import decode, encode
from streaming.kafka import clients, offsets
from streaming.purge import log as purge
from streaming.rewriting import log, segments
from streaming.settings import KafkaSettings


class Message:
    def __init__(self, offset: int, value: bytes) -> None:
        self._offset, self._value = offset, value

    def offset(self) -> int:
        return self._offset

    def partition(self) -> int:
        return 0

    def key(self) -> bytes:
        return b"u"

    def value(self) -> bytes:
        return self._value

    def headers(self) -> None: ...

    def timestamp(self) -> tuple[int, int]:
        return 0, -1


class Topic:
    """`valid_customer_session` while a gate elsewhere writes one more session just before it is read."""

    def __init__(self) -> None:
        self.begin, self.values = 0, [self.session(0, "live"), self.session(1, "import-1")]

    @staticmethod
    def session(number: int, feed: str) -> bytes:
        return encode(valid_session(session_id=f"s{number}", feed=feed, raw_offset=number))

    def read(
        self, settings: KafkaSettings, topic: str, *, until: Mapping[int, int] | None = None
    ) -> Iterator[Message]:
        self.values.append(self.session(2, "import-1"))
        end = len(self.values) if until is None else until[0]
        yield from [Message(at, value) for at, value in enumerate(self.values[:end])]

    def delete_records(self, cuts: list[Any], **_: object) -> dict[int, Any]:
        self.begin = next((cut.offset for cut in cuts if cut.topic == topics.VALID), self.begin)
        return {0: SimpleNamespace(result=lambda timeout: None)}


def test_what_a_gate_elsewhere_adds_meanwhile_is_there_once(monkeypatch: pytest.MonkeyPatch) -> None:
    topic = Topic()
    ends = lambda settings, name: {0: len(topic.values) if name == topics.VALID else 0}  # noqa: E731
    monkeypatch.setattr(offsets, "wait_visible", ends)
    monkeypatch.setattr(offsets, "ends", ends)
    monkeypatch.setattr(offsets, "committed", lambda settings, group, name: {0: 2})
    monkeypatch.setattr(clients, "read_all", topic.read)
    sender = SimpleNamespace(poll=lambda timeout: 0, flush=lambda timeout: 0)
    monkeypatch.setattr(clients, "producer", lambda settings: sender)
    monkeypatch.setattr(log, "produce", lambda sender, name, value, *_, **__: topic.values.append(value))
    monkeypatch.setattr(log, "AdminClient", lambda properties: topic)
    monkeypatch.setattr(segments, "closing", lambda *_: nullcontext())
    assert purge.rewrite(KafkaSettings(topic_prefix=""), "live", PSEUDONYMS) == 1
    left = [decode(value, PSEUDONYMS).raw_offset for value in topic.values[topic.begin :]]
    assert sorted(left) == [1, 2]
