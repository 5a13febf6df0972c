"""Sends messages to the raw topic and keeps their log positions."""

from confluent_kafka import KafkaError, KafkaException, Message

from streaming.contract import topics
from streaming.contract.headers import Headers
from streaming.file_import.json_lines import Outgoing
from streaming.file_import.offset_runs import OffsetRuns
from streaming.kafka.clients import name, producer
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings

_FLUSH_TIMEOUT_S = 120.0


class Sender:
    """After `flush`, `positions` contains the log positions of all records that the broker accepted;
    `too_large` counts messages that exceed the size limit."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._producer = producer(settings)
        self._topic = name(settings, topics.RAW)
        self._failure: KafkaError | None = None
        self.positions = OffsetRuns()
        self.too_large = 0

    def send(self, message: Outgoing, headers: Headers | None = None) -> None:
        """Raises KafkaException if the broker refuses records for another reason than their size."""
        if len(message.value) > topics.RAW_MAX_BYTES:
            self.too_large += 1
            return
        produce(
            self._producer, self._topic, message.value, message.key, headers, on_delivery=self._on_delivery
        )
        self._producer.poll(0)
        self._raise_failure()

    def flush(self) -> None:
        """Waits until the broker has accepted all messages. Raises KafkaException if it does not."""
        left = self._producer.flush(_FLUSH_TIMEOUT_S)
        self._raise_failure()
        if left:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))

    def _on_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.positions.add(message.partition() or 0, message.offset() or 0)
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self.too_large += 1
        else:
            self._failure = error

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise KafkaException(self._failure)
