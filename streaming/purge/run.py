"""Purges a feed from log and stores, one after the other: the log first, so that nothing can come back."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from streaming.contract.session import LIVE_FEED
from streaming.data_folder.alone import alone
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.process.exit_code import InvalidRequest
from streaming.purge import log, stores
from streaming.retention.place import Deletion, Kept
from streaming.retention.record import MongoRecord
from streaming.settings import (
    DataSettings,
    ElasticsearchSettings,
    KafkaSettings,
    MongoSettings,
    PseudonymSettings,
    RedisSettings,
)
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.summaries.settings import WindowSettings


@dataclass(frozen=True)
class Purged:
    """How much of a feed was removed."""

    sessions: int
    documents: int
    windows: int
    extracts: int
    left: int


def count(feed: str) -> int:
    """Returns how many sessions of `feed` MongoDB has. Raises InvalidRequest if neither it nor the log has
    any, unless a purge of it was interrupted."""
    pseudonyms = PseudonymSettings().pseudonyms
    found = sum(1 for _ in MongoSessions(MongoSettings()).of_feed(feed))
    if not found and not _interrupted(feed) and not log.has(KafkaSettings(), feed, pseudonyms):
        raise InvalidRequest(f"there is no session of the feed {feed}")
    return found


def purge(feed: str, tell: Callable[[str], None]) -> Purged:
    """Removes `feed`, and waits for a run of retention before. The stages must be stopped. Killed midway, it
    may be called again. Raises StoreUnavailable, KafkaException or ApiError."""
    with alone(DataSettings().layout.root):
        return _purge(feed, tell)


def _purge(feed: str, tell: Callable[[str], None]) -> Purged:
    pseudonyms = PseudonymSettings().pseudonyms
    record, sessions = MongoRecord(MongoSettings()), MongoSessions(MongoSettings())
    index, expired = ElasticsearchIndex(ElasticsearchSettings()), record.boundaries()
    begun = record.read().get(_place(feed)) or Kept(place=_place(feed), days=0, unit="sessions")
    record.write(Kept(place=begun.place, days=0, unit=begun.unit, deletions=begun.deletions))
    tell("writing the log anew without it")
    left = log.rewrite(KafkaSettings(), feed, pseudonyms)
    if feed == LIVE_FEED:
        log.forget_watermarks(KafkaSettings())
    tell("removing it from MongoDB")
    removed = sessions.remove_feed(feed)
    tell("removing it from Elasticsearch")
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
    documents = stores.remove_documents(index, feed)
    tell("counting windows anew")
    windows = stores.count_windows_anew(
        index, sessions.scan(), pseudonyms, WindowSettings().limit, expired.sessions_ms
    )
    extracts = stores.remove_extracts(DataSettings().layout.extract)
    # The gate rebuilds the rest from the log.
    RedisDedupStore(RedisSettings(), GateSettings()).forget_feed(feed)
    now_ms = time.time_ns() // 1_000_000
    deletions = (Deletion(now_ms, now_ms, removed), *begun.deletions)
    record.write(Kept(place=begun.place, days=0, unit=begun.unit, looked_at_ms=now_ms, deletions=deletions))
    return Purged(removed, documents, windows, extracts, left)


def _place(feed: str) -> str:
    return f"purge of {feed}"


def _interrupted(feed: str) -> bool:
    """True if a purge has begun and not ended."""
    begun = MongoRecord(MongoSettings()).read().get(_place(feed))
    return begun is not None and not begun.looked_at_ms
