"""Faults that tests plant into a stage, to check that the chaos test finds them. For tests only.

Each is a classical way to lose or duplicate data. No setting of the product has this effect.
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
    """Claims do not record which message made them: a crash between claim and output loses the session."""
    honest, settings = RedisDedupStore.claim, RedisSettings()
    filters, key = connection.client(settings), f"{settings.key_prefix}planted"

    def claim(self: RedisDedupStore, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        answers = honest(self, request)
        with filters.pipeline() as pipeline:
            for session in request.sessions:
                pipeline.sadd(key, session.session_pseudonym)
            fresh = pipeline.execute()
        return [answer if new else ClaimAnswer.TAKEN for answer, new in zip(answers, fresh, strict=True)]

    RedisDedupStore.claim = claim  # type: ignore[method-assign]


def commit_before_flush() -> None:
    """Offsets are committed before the output is written: a crash in between loses a batch."""
    honest = Committing.write

    def write(self: Committing, decided: DecidedBatch) -> None:
        spans = decided.batch.spans
        offsets = [TopicPartition(self._raw_topic, at, span.upto) for at, span in spans.items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)
        honest(self, decided)

    Committing.write = write  # type: ignore[method-assign]


def sink_not_idempotent() -> None:
    """A session that is written again becomes another document."""
    honest = MongoSessions.insert

    def insert(self: MongoSessions, sessions: Sequence[Document]) -> int:
        return honest(self, [{**session, "_id": f"{session['_id']}-{id(session)}"} for session in sessions])

    MongoSessions.insert = insert  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault for fault in (filter_before_produce, commit_before_flush, sink_not_idempotent)
}
