"""Faults to be planted into a stage, so that it is seen that the torture finds them. For tests alone.

Each is one of the classical ways to lose or to double: no setting of the product leads to it.
"""

from collections.abc import Callable, Sequence

from confluent_kafka import TopicPartition

from streaming.dedup.port import ClaimAnswer, ClaimRequest
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.committing import Committing, DecidedBatch
from streaming.settings import RedisSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import Document


def filter_before_produce() -> None:
    """A claim does not know whose it is: a crash between filter and output loses the session."""
    honest, settings = RedisDedupStore.claim, RedisSettings()
    filters, key = connection.client(settings), f"{settings.key_prefix}planted"

    def claim(self: RedisDedupStore, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        answers = honest(self, request)
        with filters.pipeline() as pipeline:
            for session in request.sessions:
                pipeline.sadd(key, session.session_id)
            fresh = pipeline.execute()
        return [answer if new else ClaimAnswer.TAKEN for answer, new in zip(answers, fresh, strict=True)]

    RedisDedupStore.claim = claim  # type: ignore[method-assign]


def commit_before_flush() -> None:
    """The place in the log is committed before the output is: a crash in between loses a batch."""
    honest = Committing.write

    def write(self: Committing, decided: DecidedBatch) -> None:
        spans = decided.batch.spans
        offsets = [TopicPartition(self._raw_topic, at, span.upto) for at, span in spans.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)
        honest(self, decided)

    Committing.write = write  # type: ignore[method-assign]


def sink_not_idempotent() -> None:
    """A session written again is another document."""
    honest = MongoSessions.insert

    def insert(self: MongoSessions, sessions: Sequence[Document]) -> int:
        return honest(self, [{**session, "_id": f"{session['_id']}-{id(session)}"} for session in sessions])

    MongoSessions.insert = insert  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault for fault in (filter_before_produce, commit_before_flush, sink_not_idempotent)
}
