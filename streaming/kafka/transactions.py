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
"""A call that has not returned by then, though told to after _ATTEMPT_S, never will."""


class TransactionLost(Exception):
    """The transaction is decided, committed or not: the committed offsets say which. Go back to them."""


class Writer(Protocol):
    """Where a stage's output goes. Every method may raise TransactionLost or KafkaException."""

    def send(
        self, topic: str, value: bytes | None, key: bytes | None, headers: Headers | None = None
    ) -> None:
        """Adds a record for `topic` (its plain name)."""

    def flush(self) -> None:
        """Waits until every record is in the log."""

    def commit(self, group: object, offsets: Sequence[TopicPartition]) -> None:
        """Lets the records stand, and commits `offsets` for `group`, a consumer's group metadata."""

    def abort(self) -> None:
        """Forgets what was sent since the last commit."""

    def poll(self) -> None:
        """Lets the client tell what it has noted; to be called now and then while nothing is sent."""


class TransactionalWriter:
    """A producer whose records appear together with the offsets they come from, or not at all.

    Errors within a transaction that only ask for another attempt are retried for as long as the broker needs;
    those that end it abort it and raise TransactionLost; what ends the producer (another one took over its
    transactional id) is raised as KafkaException.

    librdkafka gives all transactions of a producer one epoch (it lacks KIP-890, its issue 5423), so a request
    that the network held back can end, or alter, the transaction after its own. Hence a producer begins no
    transaction after a connection broke, and does nothing more at all once it did not hear how one ended: it
    is thrown away for a new one, whose epoch fences whatever comes late. The new one is ready only when the
    broker has decided the old one's transaction, so that the committed offsets tell its outcome.
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
        """Makes the records visible and `offsets` committed, if `group`, a consumer's group metadata, still
        is that of a member in good standing: the broker compares generations, so that a zombie cannot
        commit."""
        try:
            if not self._open:
                self._begin()
            # Safe to repeat: within one transaction the same offsets are written again. A copy that comes
            # after it, its connection having broken, finds a newer epoch.
            _insist(lambda: self._producer.send_offsets_to_transaction(list(offsets), group, _ATTEMPT_S))
        except KafkaException as error:
            self._give_up(error)
        try:
            with _or_end():
                self._producer.commit_transaction(_ATTEMPT_S)
            self._open = False
        except KafkaException as error:
            if error.args[0].fatal():
                raise
            _log.warning("transaction_in_doubt", extra={"cause": error.args[0].name()})
            self._renew()
            raise TransactionLost(error.args[0].name()) from error

    def abort(self) -> None:
        """Forgets the open transaction, if any."""
        if not self._open:
            return
        try:
            with _or_end():
                self._producer.abort_transaction(_ATTEMPT_S)
            self._open = False
        except KafkaException as error:
            if error.args[0].fatal():
                raise
            self._renew()

    def poll(self) -> None:
        """Lets the producer tell what it has noted: it keeps all of it until then."""
        self._producer.poll(0)

    def _begin(self) -> None:
        self.poll()
        if self._connections.lost:
            _log.info("producer_renewed", extra={"cause": "a connection broke"})
            self._renew()
        self._producer.begin_transaction()
        self._open = True

    def _renew(self) -> None:
        """Another producer in the place of this one. What this one left open is decided when it returns."""
        with _or_end():
            del self._producer  # ends its threads; what it has still to send is dropped
        self._start()

    def _start(self) -> None:
        self._open, self._connections = False, Connections()
        self._producer = clients.producer(self._settings, **self._properties, logger=self._connections)
        _insist(lambda: self._producer.init_transactions(_ATTEMPT_S))

    def _give_up(self, error: KafkaException) -> None:
        if error.args[0].fatal():
            raise error
        _log.warning("transaction_aborted", extra={"cause": error.args[0].name()})
        self.abort()
        raise TransactionLost(error.args[0].name()) from error


@contextmanager
def _or_end() -> Iterator[None]:
    """Ends the process if what is done within hangs. `send_offsets_to_transaction` ignores its time-out once
    the group's coordinator was away (confluentinc/librdkafka#5456), and nothing can interrupt it or end its
    thread. A restart heals: the transaction is aborted, and the batch is read again."""
    watchdog = Timer(_HUNG_S, _end_process)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def _end_process() -> None:
    _log.error("fatal", extra={"cause": "librdkafka does not return", "remedy": "a restart, which is coming"})
    logging.shutdown()
    os._exit(1)


def _insist(step: Callable[[], object]) -> None:
    """Repeats `step` while the broker says that a repetition may help."""
    while True:
        try:
            with _or_end():
                step()
            return
        except KafkaException as error:
            if error.args[0].fatal() or error.args[0].txn_requires_abort() or not error.args[0].retriable():
                raise
            _log.warning("kafka_retry", extra={"cause": error.args[0].name()})
