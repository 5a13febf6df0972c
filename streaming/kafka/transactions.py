"""Output and consumer offsets in one Kafka transaction."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Timer
from typing import Protocol

from confluent_kafka import KafkaException, Producer, TopicPartition

from streaming.contract.headers import Headers
from streaming.kafka import clients
from streaming.kafka.connections import Connections
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings

_log = logging.getLogger(__name__)
_ATTEMPT_S = 10.0
_HUNG_S = 30.0
"""A call that has not returned by then, although it should after _ATTEMPT_S, never will."""


class TransactionLost(Exception):
    """The transaction was committed or aborted; the committed offsets say which. Reading goes on from
    them."""


class Writer(Protocol):
    """Takes a stage's output. Every method may raise TransactionLost or KafkaException."""

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        """Adds a record for `topic` (its plain name)."""

    def flush(self) -> None:
        """Waits until every record is in the log."""

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        """Makes the records visible and commits `offsets` for `group`, a consumer's group metadata."""

    def abort(self) -> None:
        """Drops what was sent since the last commit."""

    def poll(self) -> None:
        """Lets the client run its callbacks; to be called now and then while nothing is sent."""


class TransactionalWriter:
    """A producer whose records appear together with the offsets they come from, or not at all.

    Retriable errors within a transaction are retried for as long as the broker needs. Errors that end the
    transaction abort it and raise TransactionLost. Errors that end the producer (another one took over its
    transactional id) are raised as KafkaException.

    librdkafka gives all transactions of a producer one epoch (it lacks KIP-890, its issue 5423), so a request
    that the network delayed can end, or alter, the transaction after its own. So a producer begins no
    transaction after a connection broke, and is not used again once the outcome of a commit is unknown: it is
    replaced by a new one, whose epoch fences late requests. The new one is ready only when the broker has
    decided the transaction of the old one, so that the committed offsets show the outcome.
    """

    _producer: Producer
    _connections: Connections
    _open: bool

    def __init__(self, settings: KafkaSettings, transactional_id: str, timeout_ms: int) -> None:
        self._settings = settings
        self._properties = {
            "transactional.id": clients.name(settings, transactional_id),
            "transaction.timeout.ms": timeout_ms,
            "delivery.report.only.error": True,
            "debug": "broker",
        }
        self._names: dict[str, str] = {}
        self._start()

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        """Adds a record for `topic` (its plain name) to the transaction, beginning one if none is open."""
        name = self._names.get(topic)
        if name is None:
            name = self._names[topic] = clients.name(self._settings, topic)
        try:
            if not self._open:
                self._begin()
            produce(self._producer, name, value, key, headers)
        except KafkaException as error:
            self._give_up(error)

    def flush(self) -> None:
        """Waits until every record is in the log, not yet visible."""
        while waiting := self._producer.flush(_ATTEMPT_S):
            _log.warning("kafka_slow", extra={"unacknowledged": waiting})

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        """Makes the records visible and `offsets` committed, if `group`, a consumer's group metadata, is
        still that of a member: the broker compares generations, so that a zombie cannot commit."""
        try:
            if not self._open:
                self._begin()
            # Safe to repeat: within one transaction the same offsets are written again. A copy delayed by a
            # broken connection meets a newer epoch.
            _retry(lambda: self._producer.send_offsets_to_transaction(list(offsets), group, _ATTEMPT_S))
        except KafkaException as error:
            self._give_up(error)
        try:
            with _ending_if_hung():
                self._producer.commit_transaction(_ATTEMPT_S)
            self._open = False
        except KafkaException as error:
            if error.args[0].fatal():
                raise
            _log.warning("transaction_in_doubt", extra={"cause": error.args[0].name()})
            self._renew()
            raise TransactionLost(error.args[0].name()) from error

    def abort(self) -> None:
        """Aborts the open transaction, if any."""
        if not self._open:
            return
        try:
            with _ending_if_hung():
                self._producer.abort_transaction(_ATTEMPT_S)
            self._open = False
        except KafkaException as error:
            if error.args[0].fatal():
                raise
            self._renew()

    def poll(self) -> None:
        """Lets the producer run its callbacks: it keeps all events until then."""
        self._producer.poll(0)

    def _begin(self) -> None:
        self.poll()
        if self._connections.lost:
            _log.info("producer_renewed", extra={"cause": "a connection broke"})
            self._renew()
        self._producer.begin_transaction()
        self._open = True

    def _renew(self) -> None:
        """Replaces the producer. A transaction that the old one left open is decided when this returns."""
        with _ending_if_hung():
            del self._producer  # ends its threads, and drops unsent records
        self._start()

    def _start(self) -> None:
        self._open, self._connections = False, Connections()
        self._producer = clients.producer(self._settings, **self._properties, logger=self._connections)
        _retry(lambda: self._producer.init_transactions(_ATTEMPT_S))

    def _give_up(self, error: KafkaException) -> None:
        if error.args[0].fatal():
            raise error
        _log.warning("transaction_aborted", extra={"cause": error.args[0].name()})
        self.abort()
        raise TransactionLost(error.args[0].name()) from error


@contextmanager
def _ending_if_hung() -> Iterator[None]:
    """Ends the process if the block hangs. `send_offsets_to_transaction` ignores its time-out once the
    group's coordinator was unavailable (confluentinc/librdkafka#5456), and nothing can interrupt it or end
    its thread. A restart helps: the transaction is aborted, and the batch is read again."""
    watchdog = Timer(_HUNG_S, _end_process)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _end_process() -> None:
    _log.error("fatal", extra={"cause": "librdkafka does not return", "remedy": "none: the process restarts"})
    logging.shutdown()
    os._exit(1)


def _retry(step: Callable[[], object]) -> None:
    """Repeats `step` while the broker answers that a repetition may help."""
    while True:
        try:
            with _ending_if_hung():
                step()
            return
        except KafkaException as error:
            if error.args[0].fatal() or error.args[0].txn_requires_abort() or not error.args[0].retriable():
                raise
            _log.warning("kafka_retry", extra={"cause": error.args[0].name()})
