"""Adds the sessions in MongoDB to the counters; it still has those that retention deleted from the log.

The counters are unions, so counting sessions again that the gate has counted changes nothing, and the gate
may keep counting meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from streaming.contract.erased_session import ERASED
from streaming.contract.valid_session import ValidSession
from streaming.dedup.counters import ALL, UNCOUNTED, Kept, breakdowns, counter_key, day_name, hour_name
from streaming.dedup.redis.claim_records import user_digest
from streaming.distinct.redis_counters import RedisDistinct
from streaming.process.exit_code import InvalidRequest
from streaming.stores import Document
from streaming.words.lists import Words

_BATCH = 5_000


def recount(
    documents: Iterable[Document],
    counters: RedisDistinct,
    kept: Kept,
    words: Words,
    expired_before_ms: int = 0,
) -> int:
    """Adds all `documents` of MongoDB's sessions, marks the counters as complete from `expired_before_ms` on,
    before which MongoDB has deleted sessions, and returns the number of sessions. What is left of erased
    sessions is of nobody, and passed over. Raises StoreUnavailable, InvalidRequest if there are sessions of
    an earlier release, and msgspec.ValidationError on a document that no stage wrote."""
    done, rest = 0, _sessions(documents)
    while batch := list(islice(rest, _BATCH)):
        _add(batch, counters, kept, words)
        done += len(batch)
    counters.declare_whole(expired_before_ms)
    return done


def _sessions(documents: Iterable[Document]) -> Iterator[ValidSession]:
    for document in documents:
        if ERASED in document:
            continue
        try:
            yield msgspec.convert(document, ValidSession, strict=False)
        except msgspec.ValidationError:
            if "sessionId" not in document:
                raise
            raise InvalidRequest(
                "MongoDB has sessions of an earlier release: run ./vitrine migrate, then count again. Any "
                "that it leaves, no stage wrote: ./vitrine reconcile names them; delete them from MongoDB"
            ) from None


def _add(batch: Iterable[ValidSession], counters: RedisDistinct, kept: Kept, words: Words) -> None:
    users: dict[str, set[bytes]] = defaultdict(set)
    expiry_ms: dict[str, int] = {}
    for session in batch:
        user = user_digest(session.user_pseudonym)
        users[ALL].add(user)
        for hour, hourly, dimension, value in breakdowns(
            counter_key(session, session.arrived_at_ms, kept, words)
        ):
            if hour == UNCOUNTED:
                continue
            name = day_name(hour // 24, dimension, value)
            users[name].add(user)
            expiry_ms[name] = kept.day_ends_ms(hour // 24)
            if hourly:
                name = hour_name(hour, dimension, value)
                users[name].add(user)
                expiry_ms[name] = kept.hour_ends_ms(hour)
    counters.add(users, expiry_ms)
