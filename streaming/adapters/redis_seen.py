"""Seen sessions in Redis with RedisBloom. All keys lie in one cluster slot: `<prefix>{gate}:…`.

current, building      the generation in use, and the one under construction (expires if its builder dies)
generations            all that may have keys
<generation>:offsets   hash: partition → raw offset seen up to, and `log`
<generation>:sessions  Bloom filter      <generation>:users  Bloom filter
<generation>:s:<bucket> and u:<bucket>   hashes: rest of the digest → raw position; small: listpacks
<generation>:hll:<cut>                   HyperLogLogs of user digests
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha1
from pathlib import Path
from struct import Struct
from typing import Any

from redis.exceptions import ConnectionError, NoScriptError, OutOfMemoryError, ResponseError, TimeoutError
from xxhash import xxh3_128_digest, xxh3_128_hexdigest

from streaming.adapters import redis
from streaming.events.contract import Session
from streaming.gate.cuts import ALL, Place, cuts, place
from streaming.gate.settings import GateSettings
from streaming.ports import OutOfStep, Standing, StoreAway
from streaming.settings import RedisSettings

_CLAIM = Path(__file__).with_name("claim.lua").read_text()
_PUBLISH = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('OUTOFSTEP another builds') end
redis.call('SET', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
"""
_BUILDER_PATIENCE_MS = 60_000
_DIGEST_BYTES = 10
"""80 bits: among 100 million ids two share them with a probability of 4 in a thousand million."""
_POSITION_AND_PLACE = Struct(">QH")


class RedisSeen:
    """The real SeenSessions."""

    def __init__(self, settings: RedisSettings, gate: GateSettings) -> None:
        # redis-py's types say str | bytes for every answer; this client answers bytes.
        self._redis: Any = redis.client(settings)
        self._gate = gate
        self._prefix = settings.key_prefix.encode() + b"{gate}:"
        # Redis forgets scripts when it starts afresh: that it knows this one means that somebody compared
        # these very keys with the log since. Building must not say so: hence another name for the same step.
        own = f"-- {xxh3_128_hexdigest(self._prefix)}"
        self._claim, self._restore = f"{own}\n{_CLAIM}", f"{own} under construction\n{_CLAIM}"
        self._claim_sha, self._restore_sha = (
            sha1(text.encode()).hexdigest() for text in (self._claim, self._restore)
        )

    def standing(self) -> Standing | None:
        with _translated():
            generation = self._redis.get(self._prefix + b"current")
            if generation is None:
                return None
            filters = self._redis.exists(self._key(generation, b"sessions"), self._key(generation, b"users"))
            held = self._redis.hgetall(self._key(generation, b"offsets"))
        if filters != 2 or not held:
            return None
        log = held.pop(b"log", b"").decode()
        return Standing(generation.decode(), log, {int(p): int(offset) for p, offset in held.items()})

    def incarnation(self) -> str:
        with _translated():
            return str(self._redis.info("server")["run_id"])

    def is_trusted(self) -> bool:
        with _translated():
            return all(self._redis.script_exists(self._claim_sha))

    def trust(self, incarnation: str) -> bool:
        with _translated():
            memory = self._redis.info("memory")
            if memory["maxmemory"] and memory["maxmemory_policy"] != "noeviction":
                raise RuntimeError("Redis may evict claims: set maxmemory-policy noeviction")
            self._redis.script_load(self._claim)
        return self.incarnation() == incarnation

    def claim(
        self,
        generation: str,
        sessions: Sequence[Session],
        positions: Sequence[int],
        spans: Mapping[int, tuple[int, int]],
    ) -> bytes:
        return self._step(self._claim_sha, b"current", generation, sessions, positions, spans)

    def start_rebuild(self, generation: str) -> bool:
        name = generation.encode()
        with _translated():
            if not self._redis.set(self._prefix + b"building", name, nx=True, px=_BUILDER_PATIENCE_MS):
                return False
            self._redis.sadd(self._prefix + b"generations", name)
            self._redis.script_load(self._restore)
            for kind, rate, capacity in (
                (b"sessions", self._gate.session_error_rate, self._gate.session_capacity),
                (b"users", self._gate.user_error_rate, self._gate.user_capacity),
            ):
                self._redis.execute_command(
                    "BF.RESERVE", self._key(name, kind), rate, capacity, "EXPANSION", 2
                )
        return True

    def restore(self, generation: str, sessions: Sequence[Session], positions: Sequence[int]) -> bytes:
        answers = self._step(self._restore_sha, b"building", generation, sessions, positions, {})
        with _translated():
            self._redis.pexpire(self._prefix + b"building", _BUILDER_PATIENCE_MS)
        return answers

    def finish_rebuild(self, standing: Standing) -> None:
        name = standing.generation.encode()
        held: dict[str, str | int] = {str(p): offset for p, offset in standing.offsets.items()}
        with _translated():
            self._redis.hset(self._key(name, b"offsets"), mapping=held | {"log": standing.log})
            self._redis.eval(_PUBLISH, 2, self._prefix + b"building", self._prefix + b"current", name)
            self._drop_all_but(set(self._redis.mget(self._prefix + b"building", self._prefix + b"current")))

    def drop(self) -> None:
        """Deletes everything under the prefix: for benchmarks and tests."""
        with _translated():
            self._redis.delete(self._prefix + b"building", self._prefix + b"current")
            self._drop_all_but(set())

    def distinct_users(self) -> int:
        with _translated():
            generation: bytes | None = self._redis.get(self._prefix + b"current")
            return int(self._redis.pfcount(self._key(generation, b"hll:all"))) if generation else 0

    def _step(
        self,
        sha: str,
        pointer: bytes,
        generation: str,
        sessions: Sequence[Session],
        positions: Sequence[int],
        spans: Mapping[int, tuple[int, int]],
    ) -> bytes:
        name = generation.encode()
        packed, places = _pack(sessions, positions)
        lines = "\n".join(f"{partition} {committed} {upto}" for partition, (committed, upto) in spans.items())
        key = self._key
        with _translated():
            answers: bytes = self._redis.evalsha(
                sha, 5,
                self._prefix + pointer, key(name, b"offsets"), key(name, b"sessions"), key(name, b"users"),
                key(name, b"hll:" + ALL.encode()),
                name, key(name, b"s:"), key(name, b"u:"), key(name, b"hll:"),
                lines, packed, *places,
            )  # fmt: skip
        return answers

    def _key(self, generation: bytes, suffix: bytes) -> bytes:
        return self._prefix + generation + b":" + suffix

    def _drop_all_but(self, in_use: set[bytes]) -> None:
        """Deletes the keys of generations nobody uses: those of dead builders, and the one just replaced."""
        known: set[bytes] = self._redis.smembers(self._prefix + b"generations")
        for generation in known - in_use:
            pattern = _literal(self._key(generation, b"")) + b"*"
            batch: list[bytes] = []
            for key in self._redis.scan_iter(match=pattern, count=10_000):
                batch.append(key)
                if len(batch) == 1_000:
                    self._redis.unlink(*batch)
                    batch.clear()
            if batch:
                self._redis.unlink(*batch)
            self._redis.srem(self._prefix + b"generations", generation)


def _pack(sessions: Sequence[Session], positions: Sequence[int]) -> tuple[bytes, list[str]]:
    """The records of claim.lua and the cuts of the places they name."""
    places: dict[Place, int] = {}
    pieces: list[bytes] = []
    number, append, pack = places.setdefault, pieces.append, _POSITION_AND_PLACE.pack
    for session, position in zip(sessions, positions, strict=True):
        append(xxh3_128_digest(session.session_id.encode())[:_DIGEST_BYTES])
        append(xxh3_128_digest(session.user_id.encode())[:_DIGEST_BYTES])
        append(pack(position, number(place(session), len(places))))
    return b"".join(pieces), [cut for at in places for cut in cuts(at)]


def _literal(key: bytes) -> bytes:
    """`key` as a pattern that matches itself alone."""
    return b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^-" else bytes([c]) for c in key)


@contextmanager
def _translated() -> Iterator[None]:
    """The client's errors in the words of the port. A server that is still loading is away too."""
    try:
        yield
    except (ConnectionError, TimeoutError) as error:
        raise StoreAway(str(error)) from error
    except NoScriptError as error:
        raise OutOfStep("Redis was started afresh") from error
    except OutOfMemoryError as error:
        raise StoreAway(f"Redis is full: {error}") from error
    except ResponseError as error:
        if str(error).startswith("OUTOFSTEP"):
            raise OutOfStep(str(error)) from error
        raise
