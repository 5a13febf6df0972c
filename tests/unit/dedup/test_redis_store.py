"""What the store in Redis forgets, and what it keeps, on a stand-in that knows keys, sets and hashes.

The same on the real one: tests/contract/dedup/test_seen_sessions.py."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from streaming.dedup.port import Generation, LogProgress
from streaming.dedup.redis import connection
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.settings import RedisSettings

FEEDS, COUNTED = b"{gate}:feeds", b"{gate}:counted"
OTHERS = b"import-a", b"import-b"


def as_bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


class Keys:
    """A Redis, as far as rebuilding and forgetting need it."""

    def __init__(self) -> None:
        self.held: dict[bytes, Any] = {}

    def set(self, key: bytes, value: bytes, nx: bool, px: int) -> bool:
        return bool(self.held.setdefault(key, value) == value)

    def sadd(self, key: bytes, member: bytes) -> None:
        self.held.setdefault(key, set()).add(member)

    def script_load(self, text: str) -> None:
        pass

    def hset(
        self, key: bytes, field: Any = None, value: Any = None, mapping: Mapping[Any, Any] | None = None
    ) -> None:
        given = mapping or {field: value}
        of = self.held.setdefault(key, {})
        of |= {as_bytes(name): as_bytes(one) for name, one in given.items()}

    def hgetall(self, key: bytes) -> Mapping[bytes, bytes]:
        return dict(self.held.get(key, {}))

    def hkeys(self, key: bytes) -> list[bytes]:
        return list(self.held.get(key, {}))

    def hdel(self, key: bytes, *fields: Any) -> None:
        for field in fields:
            self.held.get(key, {}).pop(as_bytes(field), None)

    def scan_iter(self, match: bytes, count: int) -> Iterator[bytes]:
        prefix = match.removesuffix(b"*")
        yield from [key for key in self.held if key.startswith(prefix)]

    def unlink(self, *keys: bytes) -> None:
        for key in keys:
            self.held.pop(key, None)


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    """With two imports and a counted user, by the key of `store("a")`."""
    found = Keys()
    monkeypatch.setattr(connection, "client", lambda settings: found)
    rebuilt(store("a"))
    found.hset(FEEDS, mapping=dict.fromkeys(OTHERS, 7))
    found.hset(COUNTED, "0", 8)
    found.held[b"{gate}:users:all"] = b"1 user"
    return found


def store(key: str) -> RedisDedupStore:
    return RedisDedupStore(
        RedisSettings(key_prefix=""), GateSettings().model_copy(update={"pseudonym_key": SecretStr(key * 20)})
    )


def rebuilt(one: RedisDedupStore, log: str = "log") -> int | None:
    """Returns the arrival time from which on sessions are restored."""
    return one.start_rebuild(Generation("next"), LogProgress(log, {0: 9}, {0: 8}, 1 << 50, begins_ms=0))


def test_counts_of_the_same_log_and_key_stay(keys: Keys) -> None:
    assert rebuilt(store("a")) == 8
    assert b"{gate}:users:all" in keys.held
    assert set(keys.held[FEEDS]) == set(OTHERS)


def test_with_another_key_users_are_counted_anew_and_no_import_is_new(keys: Keys) -> None:
    assert rebuilt(store("b")) == 0
    assert b"{gate}:users:all" not in keys.held
    assert set(keys.held[FEEDS]) == set(OTHERS)


def test_in_another_log_every_import_is_new(keys: Keys) -> None:
    assert rebuilt(store("a"), "another log") == 0
    assert b"{gate}:users:all" not in keys.held
    assert FEEDS not in keys.held


def test_only_the_purged_import_is_new(keys: Keys) -> None:
    for _ in range(2):
        store("a").forget_feed("import-a")
        assert set(keys.held) == {FEEDS, COUNTED}
        assert set(keys.held[FEEDS]) == {b"import-b"}
    assert rebuilt(store("a")) == 0
    assert set(keys.held[FEEDS]) == {b"import-b"}
    assert keys.held[COUNTED].keys() >= {b"log", b"pseudonyms", b"since_ms"}
