"""Writes valid sessions into MongoDB, and what is no session into the topic of dead letters."""

from collections.abc import Sequence

import msgspec
from confluent_kafka import Message, Producer

from streaming.contract import topics
from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import require_same
from streaming.kafka.dead_letters import DeadLetter, DeadLetters
from streaming.metrics import catalogue
from streaming.metrics.observer import NULL_OBSERVER, Observer
from streaming.settings import KafkaSettings
from streaming.sinks.mongo.documents import document
from streaming.sinks.port import SessionStore
from streaming.stores import Document

NO_SESSION = "no_session"
_LOOKED_AT = 2_000
"""Sessions whose key is compared: their ids say nothing of their time, so that these have the keys of all."""


class MongoSink:
    """Implements streaming.sinks.stage.Sink."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        sessions: SessionStore,
        producer: Producer,
        pseudonyms: Pseudonyms,
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._sessions, self._pseudonyms, self._observer = sessions, pseudonyms, observer
        self._dead_letters = DeadLetters(kafka_settings, producer)

    def prepare(self) -> None:
        """Makes the indexes that extraction needs. Raises StoreUnavailable, and OtherKey if the sessions that
        are stored have pseudonyms of another key."""
        require_same(self._sessions.key_ids(among=_LOOKED_AT), self._pseudonyms, "MongoDB")
        self._sessions.prepare()

    def read(self, batch: Sequence[Message]) -> tuple[list[Document], list[DeadLetter]]:
        """Returns the documents of `batch`, and dead letters for what is no session: only the gate should
        write this topic, but any client with access can."""
        documents, refused = [], []
        for message in batch:
            try:
                documents.append(document(message.value() or b"", self._pseudonyms))
            except msgspec.DecodeError as error:
                refused.append(_refused(message, str(error)))
        return documents, refused

    def write(self, batch: tuple[list[Document], list[DeadLetter]]) -> None:
        """Returns when all of `batch` is in the store or among the dead letters; writing a batch again
        changes nothing. Raises StoreUnavailable."""
        documents, refused = batch
        new = self._sessions.insert(documents)
        self._observer.count(catalogue.SESSIONS_STORED, new, result="new")
        self._observer.count(catalogue.SESSIONS_STORED, len(documents) - new, result="known")
        for topic, count in self._dead_letters.put(refused).items():
            self._observer.count(catalogue.DOCUMENTS_REFUSED, count, index=topic)
        self._observer.observe_latency(one["arrivedAtMs"] for one in documents)


def _refused(message: Message, detail: str) -> DeadLetter:
    return DeadLetter(
        topics.VALID,
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        NO_SESSION,
        detail,
    )
