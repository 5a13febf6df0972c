"""A batch of valid sessions into the database, and what is no session into the topic of refused documents."""

from collections.abc import Sequence

import msgspec
from confluent_kafka import Message, Producer

from streaming.adapters.kafka_aside import Aside, Refused
from streaming.events import topics
from streaming.metrics import declared
from streaming.metrics.observer import NOBODY, Observer
from streaming.ports import Document, SessionStore
from streaming.settings import KafkaSettings
from streaming.store.documents import document

NO_SESSION = "no_session"


class Storing:
    """`read` and `write` are what streaming.sink.carry calls."""

    def __init__(
        self,
        kafka_settings: KafkaSettings,
        sessions: SessionStore,
        producer: Producer,
        observer: Observer = NOBODY,
    ) -> None:
        self._sessions, self._observer = sessions, observer
        self._aside = Aside(kafka_settings, producer)

    def read(self, batch: Sequence[Message]) -> tuple[list[Document], list[Refused]]:
        """The documents that `batch` makes, and what in it is no session: nobody but the gate should write
        this topic, but somebody did."""
        documents, refused = [], []
        for message in batch:
            try:
                documents.append(document(message.value() or b""))
            except msgspec.DecodeError as error:
                refused.append(_refused(message, str(error)))
        return documents, refused

    def write(self, batch: tuple[list[Document], list[Refused]]) -> None:
        """Raises StoreAway until all of `batch` is in the store or among the refused documents; a batch given
        again is written again, which changes nothing."""
        documents, refused = batch
        new = self._sessions.insert(documents)
        self._observer.count(declared.SESSIONS_STORED, new, result="new")
        self._observer.count(declared.SESSIONS_STORED, len(documents) - new, result="known")
        for topic, count in self._aside.put(refused).items():
            self._observer.count(declared.DOCUMENTS_REFUSED, count, index=topic)
        self._observer.safe(one["arrivedAtMs"] for one in documents)


def _refused(message: Message, detail: str) -> Refused:
    return Refused(
        topics.VALID,
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        NO_SESSION,
        detail,
    )
