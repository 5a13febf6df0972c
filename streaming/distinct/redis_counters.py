"""The HyperLogLogs of distinct users in Redis, read and added to beside the gate (see redis_seen.py)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streaming.dedup.redis import connection
from streaming.dedup.redis.store import translated
from streaming.settings import RedisSettings

STANDARD_ERROR = 0.0081
"""Of Redis' HyperLogLog: 1.04 / sqrt(2 ** 14)."""


class RedisDistinct:
    """Counters by name (streaming.dedup.counters). Every method may raise StoreUnavailable."""

    def __init__(self, settings: RedisSettings) -> None:
        # redis-py's types say str | bytes for every answer; this client answers bytes.
        self._redis: Any = connection.client(settings)
        self._prefix = settings.key_prefix.encode() + b"{gate}:"

    def count(self, names: Sequence[str]) -> int:
        """Estimate of the distinct users in the union of the counters; those that are not there are empty."""
        if not names:
            return 0
        with translated():
            return int(self._redis.pfcount(*map(self._key, names)))

    def whole_since_ms(self) -> int | None:
        """The arrival before which sessions may not be counted; 0 if all are, None while no gate has counted
        anything."""
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

    def declare_whole(self) -> None:
        """All that was ever let through is counted."""
        with translated():
            self._redis.hset(self._prefix + b"counted", "since_ms", 0)

    def _key(self, name: str) -> bytes:
        return self._prefix + b"users:" + name.encode()
