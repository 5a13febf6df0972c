"""The dedup store in Redis with RedisBloom. All keys are in one cluster slot: `<prefix>{gate}:…`.

current, building      the generation in use, and the one under construction (expires if its gate dies)
generations            all generations that may have keys
<generation>:offsets   hash: partition → offset after the last message seen; and `log` and `layout`
<generation>:segments  hash: the existing segments of the horizon, and `lowest`, the first one allowed
<generation>:dropping  set: segments no longer in use whose keys are being deleted
<generation>:sessions:<segment> and users:<segment>      Bloom filters
<generation>:s:<segment>:<bucket> and u:<segment>:<bucket>   hashes: the other bits of the digest → raw
position; stored as listpacks

Independent of generations, because they only grow and every rebuild would add the same:

counted                hash: partition → newest arrival counted; `log`; `pseudonyms`, the id of their key;
`since_ms`, from which on counts are complete
feeds                  hash: import → its first arrival
users:<counter>        HyperLogLogs of user digests, which expire (VITRINE_GATE_HOURS_KEPT_MS, …DAYS_KEPT_MS)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from itertools import islice, product
from math import ceil, log2
from pathlib import Path
from typing import Any, NamedTuple

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from xxhash import xxh3_128_hexdigest

from streaming.dedup.counters import ALL
from streaming.dedup.port import (
    ClaimAnswer,
    ClaimRequest,
    FilterFill,
    Generation,
    LogProgress,
    OutOfSync,
    StoreProgress,
)
from streaming.dedup.redis import connection, older_counters
from streaming.dedup.redis.bloom import error_rate
from streaming.dedup.redis.claim_records import pack
from streaming.dedup.redis.claim_script import CLAIM, ClaimArguments, ClaimKeys, answers, span_lines
from streaming.dedup.redis.patterns import literal
from streaming.dedup.settings import DedupSettings
from streaming.settings import RedisSettings
from streaming.stores import StoreUnavailable

_FORGET = Path(__file__).with_name("forget.lua").read_text()
_PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OUTOFSTEP another builds') end
redis.call('SET', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""
_DISK_FULL = "MISCONF"
"""The beginning of Redis' error when it cannot write to its file any more."""
_FULL = (
    "Redis is full; nothing is lost, and the gate goes on when there is more memory: raise "
    "VITRINE_REDIS_MAX_MIB (./vitrine up), or maxmemory of your own Redis"
)
_BUILDER_PATIENCE_MS = 60_000
_SESSIONS_A_BUCKET = 64
"""At full capacity. Redis stores a hash of up to 128 fields as a listpack, which needs a fifth of the
memory."""


class _Reserved(NamedTuple):
    """The capacity and error rate with which a segment's Bloom filter is reserved."""

    capacity: int
    error_rate: float


class RedisDedupStore:
    """DedupStore in Redis."""

    def __init__(self, settings: RedisSettings, dedup: DedupSettings) -> None:
        # redis-py declares str | bytes for every reply; this client returns bytes.
        self._redis: Any = connection.client(settings)
        self._horizon, self._kept, self._words = dedup.horizon, dedup.kept, dedup.words
        self._overdue_kept_ms = dedup.overdue_kept_ms
        self._imports_max, self._counters_are_bounded = dedup.imports_max, False
        sessions = ceil(dedup.session_capacity / dedup.horizon_segments)
        self._filters = {
            b"sessions": _Reserved(sessions, dedup.session_error_rate),
            b"users": _Reserved(dedup.user_capacity, dedup.user_error_rate),
        }
        bits = min(max(ceil(log2(sessions / _SESSIONS_A_BUCKET)), 8), 24)
        self._bucket_bits = bits
        # Claims and counters by the pseudonyms of another key, or by ids, would not be found any more.
        self._key_id = dedup.pseudonym_key_id.encode()
        layout = f"{self._horizon.segment_ms} ms x {self._horizon.segments}, {bits} bits, pseudonyms "
        self._layout = layout.encode() + self._key_id
        self._prefix = settings.key_prefix.encode() + b"{gate}:"
        # Redis loses its scripts when it restarts. If it has this one, a gate has compared the keys with this
        # prefix with the log since then. A rebuild must not count as such a comparison: it uses the same
        # script under another hash.
        own = f"-- {xxh3_128_hexdigest(self._prefix)}"
        self._claim, self._restore = f"{own}\n{CLAIM}", f"{own} under construction\n{CLAIM}"
        self._claim_sha, self._restore_sha = (
            sha1(text.encode()).hexdigest() for text in (self._claim, self._restore)
        )

    def standing(self) -> StoreProgress | None:
        with translated():
            generation = self._redis.get(self._prefix + b"current")
            if generation is None:
                return None
            held = self._redis.hgetall(self._key(generation, b"offsets"))
            segments = self._redis.hkeys(self._key(generation, b"segments"))
            filters = [
                self._key(generation, kind + b":" + segment)
                for segment in segments
                if segment != b"lowest"
                for kind in self._filters
            ]
            found = self._redis.exists(*filters) if filters else 0
            complete = b"lowest" in segments and found == len(filters)
        log, layout = held.pop(b"log", b"").decode(), held.pop(b"layout", b"")
        if not complete or layout != self._layout:  # made with another horizon: not usable
            return None
        return StoreProgress(
            Generation(generation.decode()), log, {int(p): int(offset) for p, offset in held.items()}
        )

    def incarnation(self) -> str:
        with translated():
            return str(self._redis.info("server")["run_id"])

    def is_trusted(self) -> bool:
        with translated():
            return all(self._redis.script_exists(self._claim_sha))

    def trust(self, incarnation: str) -> bool:
        with translated():
            memory = self._redis.info("memory")
            if memory["maxmemory"] and memory["maxmemory_policy"] != "noeviction":
                raise RuntimeError("Redis may evict claims: set maxmemory-policy noeviction")
            self._redis.script_load(self._claim)
        return self.incarnation() == incarnation

    def claim(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        return self._step(self._claim_sha, b"current", request)

    def start_rebuild(self, generation: Generation, committed: LogProgress) -> int | None:
        name = generation.encode()
        lowest = self._horizon.first_visible(committed.low_watermark_ms)
        with translated():
            if not self._redis.set(self._prefix + b"building", name, nx=True, px=_BUILDER_PATIENCE_MS):
                return None
            self._redis.sadd(self._prefix + b"generations", name)
            self._redis.script_load(self._restore)
            self._redis.hset(self._key(name, b"segments"), "lowest", lowest)
            counted: dict[bytes, bytes] = self._redis.hgetall(self._prefix + b"counted")
            same_log = counted.get(b"log") == committed.log.encode()
            if not same_log or counted.get(b"pseudonyms") != self._key_id:
                counted = {}
                if not same_log:
                    # With the log they stay: it may have lost the first sessions of an import.
                    self._redis.unlink(self._prefix + b"feeds")
                self._forget_counters()
                whole: dict[str, str | bytes | int] = {
                    "log": committed.log,
                    "since_ms": committed.begins_ms,
                    "pseudonyms": self._key_id,
                }
                self._redis.hset(self._prefix + b"counted", mapping=whole)
        counted_ms = min((int(counted.get(b"%d" % p, 0)) for p in committed.offsets), default=0)
        return max(0, min(lowest * self._horizon.segment_ms, counted_ms))

    def restore(self, request: ClaimRequest) -> Sequence[ClaimAnswer]:
        restored = self._step(self._restore_sha, b"building", request, building=True)
        with translated():
            self._redis.pexpire(self._prefix + b"building", _BUILDER_PATIENCE_MS)
        return restored

    def finish_rebuild(self, generation: Generation, committed: LogProgress) -> None:
        name = generation.encode()
        held: dict[str, str | int | bytes] = {str(p): offset for p, offset in committed.offsets.items()}
        with translated():
            own = held | {"log": committed.log, "layout": self._layout}
            self._redis.hset(self._key(name, b"offsets"), mapping=own)
            self._redis.eval(_PUBLISH, 2, self._prefix + b"building", self._prefix + b"current", name)
            if committed.arrived_ms:
                self._redis.hset(
                    self._prefix + b"counted", mapping={str(p): ms for p, ms in committed.arrived_ms.items()}
                )
            self._drop_all_but(set(self._redis.mget(self._prefix + b"building", self._prefix + b"current")))

    def forget_before(self, generation: Generation, low_watermark_ms: int) -> None:
        name = generation.encode()
        with translated():
            segments: list[bytes] = self._redis.eval(
                _FORGET, 3, self._prefix + b"current", self._key(name, b"segments"),
                self._key(name, b"dropping"), name, self._horizon.first_visible(low_watermark_ms),
            )  # fmt: skip
            for segment in segments:
                self._unlink(self._keys_of(name, segment))
                self._redis.srem(self._key(name, b"dropping"), segment)
            if not self._counters_are_bounded:
                counters = self._prefix + b"users:"
                older_counters.bound(self._redis, counters, self._kept, self._words, self._overdue_kept_ms)
                self._counters_are_bounded = True

    def filter_fill(self) -> list[FilterFill]:
        fills: list[FilterFill] = []
        with translated():
            generation = self._redis.get(self._prefix + b"current")
            held = self._redis.hkeys(self._key(generation, b"segments")) if generation else []
            for segment in sorted(int(key) for key in held if key != b"lowest"):
                for kind, (capacity, reserved) in self._filters.items():
                    name = b"%b:%d" % (kind, segment)
                    info = self._redis.bf().info(self._key(generation, name))
                    rate = error_rate(info.insertedNum, capacity, reserved)
                    fills.append(FilterFill(name.decode(), capacity, info.insertedNum, rate, info.size))
        return fills

    def forget_feed(self, feed: str) -> None:
        """Does as `forget_persons`, and deletes the first arrival of `feed` as well."""
        self.forget_persons()
        with translated():
            self._redis.hdel(self._prefix + b"feeds", feed)

    def forget_persons(self) -> None:
        """Deletes claims, which a gate rebuilds from the log, and all counters. The first arrivals of imports
        stay: the log may have lost their first sessions. No gate may run."""
        kept = {self._prefix + name for name in (b"feeds", b"counted")}
        with translated():
            self._unlink(key for key in self._matching(self._prefix) if key not in kept)
            self._forget_counters()

    def _forget_counters(self) -> None:
        """But not of which log they were: the first arrivals of imports are of it too."""
        self._unlink(self._matching(self._prefix + b"users:"))
        if held := set(self._redis.hkeys(self._prefix + b"counted")) - {b"log"}:
            self._redis.hdel(self._prefix + b"counted", *held)

    def drop(self) -> None:
        """Deletes all keys with the prefix: claims, which a gate rebuilds from the log, and counters."""
        with translated():
            self._unlink(self._matching(self._prefix))

    def distinct_users(self) -> int:
        with translated():
            return int(self._redis.pfcount(self._prefix + b"users:" + ALL.encode()))

    def _step(
        self, sha: str, pointer: bytes, request: ClaimRequest, building: bool = False
    ) -> Sequence[ClaimAnswer]:
        name, prefix, horizon = request.generation.encode(), self._prefix, self._horizon
        session_filter, user_filter = self._filters[b"sessions"], self._filters[b"users"]
        packed = pack(request, horizon, self._kept, self._words)
        keys = ClaimKeys(
            pointer=prefix + pointer,
            offsets=self._key(name, b"offsets"),
            segments=self._key(name, b"segments"),
            counted=prefix + b"counted",
            feeds=prefix + b"feeds",
        )
        arguments = ClaimArguments(
            generation=name,
            own_prefix=self._key(name, b""),
            counters_prefix=prefix + b"users:",
            reach=horizon.segments,
            horizon_ms=horizon.horizon_ms,
            session_capacity=session_filter.capacity,
            session_error_rate=session_filter.error_rate,
            user_capacity=user_filter.capacity,
            user_error_rate=user_filter.error_rate,
            bucket_bits=self._bucket_bits,
            building=int(building),
            spans=span_lines(request.spans),
            records=packed.records,
            counter_keys=packed.counter_keys,
            origin_count=packed.origin_count,
            imports_max=self._imports_max,
        )
        with translated():
            reply: bytes = self._redis.evalsha(
                sha, len(keys), *keys, *arguments, *packed.origins, *packed.breakdowns
            )
        return answers(reply)

    def _key(self, generation: bytes, suffix: bytes) -> bytes:
        return self._prefix + generation + b":" + suffix

    def _keys_of(self, generation: bytes, segment: bytes) -> Iterator[bytes]:
        """Yields all keys that a segment may have: deleting them by name is faster than scanning all keys."""
        for kind in self._filters:
            yield self._key(generation, kind + b":" + segment)
        whole, rest = divmod(self._bucket_bits, 8)
        bytes_of = [range(256)] * whole + ([range(0, 256, 1 << (8 - rest))] if rest else [])
        for kind in (b"s", b"u"):
            for bucket in product(*bytes_of):
                yield self._key(generation, b"%b:%b:%b" % (kind, segment, bytes(bucket)))

    def _drop_all_but(self, in_use: set[bytes]) -> None:
        """Deletes the keys of unused generations: those of gates that died in a rebuild, and the one just
        replaced."""
        known: set[bytes] = self._redis.smembers(self._prefix + b"generations")
        for generation in known - in_use:
            self._unlink(self._matching(self._key(generation, b"")))
            self._redis.srem(self._prefix + b"generations", generation)

    def _matching(self, prefix: bytes) -> Iterator[bytes]:
        found: Iterator[bytes] = self._redis.scan_iter(match=literal(prefix) + b"*", count=10_000)
        return found

    def _unlink(self, keys: Iterator[bytes]) -> None:
        """Deletes keys in chunks, so that Redis serves other clients in between."""
        while some := list(islice(keys, 1_000)):
            self._redis.unlink(*some)


@contextmanager
def translated() -> Iterator[None]:
    """Translates the client's errors into those of the port. A server that is still loading is unavailable
    too."""
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        raise StoreUnavailable(str(error)) from error
    except NoScriptError as error:
        raise OutOfSync("Redis was restarted") from error
    except OutOfMemoryError as error:
        raise StoreUnavailable(f"{_FULL}: {error}") from error
    except ResponseError as error:
        if str(error).startswith("OUTOFSTEP"):
            raise OutOfSync(str(error)) from error
        if str(error).startswith(_DISK_FULL):
            raise StoreUnavailable(f"Redis cannot write to its disk: {error}") from error
        raise
