"""What a visitor chooses costs Redis a bounded amount, and a full Redis costs nothing but time."""

import time
from collections import Counter
from itertools import count

from redis import Redis
from support.gates import GatesOn
from support.sessions import raw_value

from lab.own_redis import OwnRedis
from streaming.contract.feeds import ImportKeys
from streaming.contract.headers import header_texts
from streaming.kafka.clients import read_all
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

HOUR_MS = 3_600_000
SESSIONS = 5_000


def odd(number: int, now_ms: int, **more: object) -> tuple[bytes, bytes]:
    """A valid message all of whose words are new."""
    word, user = f"{number:07}-" + "x" * 120, f"odd-u{number}"
    words = {"device_type": word, "referrer": word, "country": word} | more
    value = raw_value(session_id=f"odd-{number}", user_id=user, event_time_ms=now_ms, **words)
    return user.encode(), value


def counters(redis: Redis) -> Counter[str]:
    """How many counters of users there are, by day or hour and dimension."""
    names = (
        key.decode().partition("users:")[2].split(":") for key in redis.scan_iter(match="*{gate}:users:*")
    )
    return Counter(
        f"{'hour' if 'T' in at else 'day'}:{''.join(rest[:1])}" for at, *rest in names if at != "all"
    )


def test_new_words_in_every_message_make_no_new_counters(gates_on: GatesOn, kept_redis: OwnRedis) -> None:
    """On the commit before, these messages made 37,500 keys."""
    gates, now_ms = gates_on(kept_redis.settings), time.time_ns() // 1_000_000
    gates.send([odd(number, now_ms) for number in range(SESSIONS)])
    gates.wait_until_done_by_starting()
    assert gates.judge()["valid"] == SESSIONS
    with Redis.from_url(kept_redis.url) as redis:
        found = counters(redis)
        assert found == dict.fromkeys(
            (f"{of}:{by}" for of in ("day", "hour") for by in ("", "country", "device", "referrer")), 1
        )
        for key in redis.scan_iter(match="*{gate}:users:2*"):
            assert redis.pttl(key) > 0, f"{key!r} never expires"
        before = redis.dbsize()
        gates.send([odd(number, now_ms) for number in range(SESSIONS, 2 * SESSIONS)])
        gates.wait_until_done()
        # Buckets of claims are hashes, whose number depends on the capacity alone.
        assert redis.dbsize() - before <= 2 * 512 + 8


def test_new_feeds_in_every_message_cost_redis_a_bounded_amount(
    gates_on: GatesOn, kept_redis: OwnRedis
) -> None:
    """At first, each made a field for ever, and passed the horizon; then those still did that were named like
    an import, as whoever has the shop's login can name them."""
    gates, now_ms = gates_on(kept_redis.settings), time.time_ns() // 1_000_000
    gates.environment["VITRINE_GATE_IMPORTS_MAX"] = "100"
    old_ms = now_ms - 1_000 * 24 * HOUR_MS
    invented = [odd(number, old_ms, feed=f"feed-{number}") for number in range(SESSIONS)]
    keys = ImportKeys(("key of now", "key of then"))
    gates.environment["VITRINE_IMPORT_KEYS"] = "key of now, key of then"
    names = (f"import-{number:012x}" for number in count())
    guessed = (ImportKeys(("a guess",)).feed(f"{number:012x}") for number in count())
    made = (ImportKeys((keys.keys[number % 2],)).feed(f"{number:012x}") for number in count())
    forged = [odd(SESSIONS + number, old_ms, feed=next(names)) for number in range(SESSIONS)]
    forged += [odd(2 * SESSIONS + number, old_ms, feed=next(guessed)) for number in range(SESSIONS)]
    imported = [odd(3 * SESSIONS + number, old_ms, feed=next(made)) for number in range(SESSIONS)]
    gates.send([*invented, *forged, *imported])
    gates.wait_until_done_by_starting()
    counted = Counter(
        header_texts(message)["reason"] for message in read_all(gates.kafka, "rejected_user_session")
    )
    assert counted == {"unknown_feed": 3 * SESSIONS, "too_many_imports": SESSIONS - 100}
    with Redis.from_url(kept_redis.url) as redis:
        [feeds] = redis.scan_iter(match="*{gate}:feeds")
        assert redis.hlen(feeds) == 100
        assert not counters(redis), "their days would have been dropped long ago"


def test_a_full_redis_makes_the_gate_wait_and_loses_nothing(gates_on: GatesOn, kept_redis: OwnRedis) -> None:
    gates = gates_on(kept_redis.settings)
    first, second = (simulated(3_000, seed) for seed in (1, 2))
    gates.send(first)
    gates.wait_until_done_by_starting()
    with Redis.from_url(kept_redis.url) as redis:
        assert redis.config_get("maxmemory*")["maxmemory-policy"] == "noeviction"
        assert int(redis.config_get("maxmemory")["maxmemory"]) == 1024 * 1024 * 1024
        keys = redis.dbsize()
        redis.config_set("maxmemory", 1_000_000)  # less than an empty Redis uses
        gates.send(second)
        gates.wait_for(lambda: "Redis is full" in gates.log.read_text(), "that Redis is full")
        assert "VITRINE_REDIS_MAX_MIB" in gates.log.read_text()
        committed = gates.committed()
        assert redis.dbsize() == keys, "nothing is evicted, and nothing half written"
        # A gate that starts now waits as well.
        gates.kill()
        before = gates.log.read_text().count("Redis is full")
        gates.start()
        gates.wait_for(lambda: gates.log.read_text().count("Redis is full") > before, "the same again")
        assert gates.committed() == committed
        redis.config_set("maxmemory", 0)
    gates.wait_until_done()
    assert gates.stop() == 0
    assert gates.judge()["valid"] > 5_000


def simulated(sessions: int, seed: int) -> list[tuple[bytes, bytes]]:
    start_ms = time.time_ns() // 1_000_000 - 48 * HOUR_MS
    settings = TrafficSettings.model_validate({"sessions": sessions, "start_ms": start_ms, "seed": seed})
    return [(message.key, message.value) for message in traffic(settings)]
