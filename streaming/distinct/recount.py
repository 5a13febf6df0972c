"""Adds the sessions in MongoDB to the counters; it still has those that retention deleted from the log.

The counters are unions, so counting sessions again that the gate has counted changes nothing, and the gate
may keep counting meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from streaming.contract.time_units import HOUR_MS
from streaming.contract.valid_session import ValidSession
from streaming.dedup.counters import ALL, breakdowns, counter_key, day_name, hour_name
from streaming.dedup.redis.claim_records import user_digest
from streaming.distinct.redis_counters import RedisDistinct
from streaming.stores import Document

_BATCH = 5_000


def recount(documents: Iterable[Document], counters: RedisDistinct, hours_kept_ms: int) -> int:
    """Adds all `documents` of MongoDB's sessions, marks the counters as complete, and returns the number of
    documents. Raises StoreUnavailable, and msgspec.ValidationError on a document that no stage wrote."""
    done, rest = 0, _sessions(documents)
    while batch := list(islice(rest, _BATCH)):
        _add(batch, counters, hours_kept_ms)
        done += len(batch)
    counters.declare_whole()
    return done


def _sessions(documents: Iterable[Document]) -> Iterator[ValidSession]:
    for document in documents:
        yield msgspec.convert(document, ValidSession, strict=False)


def _add(batch: Iterable[ValidSession], counters: RedisDistinct, hours_kept_ms: int) -> None:
    users: dict[str, set[bytes]] = defaultdict(set)
    expiry_ms: dict[str, int] = {}
    for session in batch:
        user = user_digest(session.user_id)
        users[ALL].add(user)
        for hour, hourly, dimension, value in breakdowns(
            counter_key(session, session.arrived_at_ms, hours_kept_ms)
        ):
            users[day_name(hour // 24, dimension, value)].add(user)
            if hourly:
                name = hour_name(hour, dimension, value)
                users[name].add(user)
                expiry_ms[name] = (hour + 1) * HOUR_MS + hours_kept_ms
    counters.add(users, expiry_ms)
