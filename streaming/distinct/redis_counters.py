"""Reads the HyperLogLogs of distinct users in Redis and adds to them; so does the gate
(dedup/redis/store.py)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streaming.dedup.redis import connection
from streaming.dedup.redis.store import translated
from streaming.settings import RedisSettings

STANDARD_ERROR = 0.0081
"""The standard error of Redis' HyperLogLog: 1.04 / sqrt(2 ** 14)."""


class RedisDistinct:
    """Counters by name (streaming.dedup.counters). Every method may raise StoreUnavailable."""

    def __init__(self, settings: RedisSettings) -> None:
        # redis-py declares str | bytes for every reply; this client returns bytes.
        self._redis: Any = connection.client(settings)
        self._prefix = settings.key_prefix.encode() + b"{gate}:"

    def count(self, names: Sequence[str]) -> int:
        """Returns the estimated number of distinct users in the union of the counters; missing ones are
        empty."""
        if not names:
            return 0
        with translated():
            return int(self._redis.pfcount(*map(self._key, names)))

    def whole_since_ms(self) -> int | None:
        """Returns the arrival before which sessions may be missing; 0 if all are counted, None if no gate has
        counted anything yet."""
        with translated():
            held: bytes | None = self._redis.hget(self._prefix + b"counted", "since_ms")
        return None if held is None else int(held)

    def add(self, users: Mapping[str, Iterable[bytes]], expiry_ms: Mapping[str, int]) -> None:
        """Adds user digests to each counter; those in `expiry_ms` are dropped at that time. Adding again
        changes nothing."""
        with translated(), self._redis.pipeline(transaction=False) as pipeline:
            for name, digests in users.items():
                pipeline.pfadd(self._key(name), *digests)
            for name, at_ms in expiry_ms.items():
                pipeline.pexpireat(self._key(name), at_ms)
            pipeline.execute()

    def declare_whole(self, since_ms: int = 0) -> None:
        """Marks the counters as complete: every valid session is counted, of those before `since_ms` only
        what was counted already."""
        known_ms = self.whole_since_ms()
        if known_ms is None or known_ms > since_ms:
            with translated():
                self._redis.hset(self._prefix + b"counted", "since_ms", since_ms)

    def _key(self, name: str) -> bytes:
        return self._prefix + b"users:" + name.encode()
