"""Counts the gate's outcomes of the messages sent, read from the topics that the gate writes."""

import time
from collections import Counter
from collections.abc import Callable

import msgspec
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from streaming.contract import topics
from streaming.contract.headers import header_texts
from streaming.file_import.offset_runs import OffsetRuns
from streaming.kafka.clients import consumer, name
from streaming.kafka.offsets import StageBehind
from streaming.kafka.partitions import POLL_S, end_offsets
from streaming.settings import KafkaSettings

_BATCH = 5_000


class _Origin(msgspec.Struct, rename="camel"):
    """The raw position of a valid session; its other fields are not decoded."""

    raw_partition: int
    raw_offset: int


_decoder = msgspec.json.Decoder(_Origin)


class GateSilent(StageBehind):
    """The gate wrote no outcome of our messages for too long."""


class GateOutcomes:
    """Reads what the gate writes after this object was created; create it before anything is sent."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._valid = name(settings, topics.VALID)
        self._client: Consumer = consumer(settings, "ingest")
        self._client.assign(
            [
                TopicPartition(topic, partition, end)
                for topic in (self._valid, name(settings, topics.REJECTED))
                for partition, end in end_offsets(self._client, topic).items()
            ]
        )
        self.accepted = 0
        self.rejected: Counter[str] = Counter()

    def wait(self, sent: OffsetRuns, patience_s: float, seen: Callable[[int], None]) -> None:
        """Counts outcomes until each of the positions `sent` has one, and calls `seen` with their number.
        Raises GateSilent if none comes for `patience_s`, KafkaException if Kafka cannot be read."""
        deadline = time.monotonic() + patience_s
        done = 0
        while done < len(sent):
            if time.monotonic() > deadline:
                raise GateSilent(
                    f"The gate does not answer: {len(sent) - done} of {len(sent)} messages have no outcome."
                    " Is it running? See ./vitrine status"
                )
            for message in self._client.consume(_BATCH, timeout=POLL_S):
                error = message.error()
                if error is not None:
                    if not error.retriable():
                        raise KafkaException(error)
                    continue
                self._count(message, sent)
            if (now_done := self.accepted + self.rejected.total()) > done:
                done = now_done
                deadline = time.monotonic() + patience_s
                seen(done)

    def _count(self, message: Message, sent: OffsetRuns) -> None:
        if message.topic() == self._valid:
            origin = _decoder.decode(message.value() or b"")
            self.accepted += (origin.raw_partition, origin.raw_offset) in sent
            return
        headers = header_texts(message)
        position = int(headers[topics.HEADER_RAW_PARTITION]), int(headers[topics.HEADER_RAW_OFFSET])
        if position in sent:
            self.rejected[headers[topics.HEADER_REASON]] += 1

    def close(self) -> None:
        """Closes the consumer."""
        self._client.close()
