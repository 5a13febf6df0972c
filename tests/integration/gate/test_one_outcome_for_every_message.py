"""The gate as a process, on the real Kafka and Redis; `gates.judge` holds what came out against an oracle."""

import json
import random
import statistics
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from support.gates import Gates, GatesOn
from waiting import HUNG_S

from lab.own_redis import OwnRedis
from streaming.distinct.all_users import distinct_users
from streaming.gate.settings import GateSettings
from streaming.kafka.clients import read_all
from streaming.settings import RedisSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import Message, traffic

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def simulated(sessions: int, **rates: float) -> list[Message]:
    start_ms = time.time_ns() // 1_000_000 - 2 * DAY_MS
    settings = {
        "sessions": sessions,
        "users": sessions // 5,
        "start_ms": start_ms,
        "duplicate_rate": 0.05,
    } | rates
    return list(traffic(TrafficSettings.model_validate(settings)))


def pairs(messages: list[Message]) -> list[tuple[bytes, bytes]]:
    return [(message.key, message.value) for message in messages]


class Load:
    """Sends so many sessions at each call, other ones each time."""

    def __init__(self, gates: Gates, sessions: int) -> None:
        self._gates, self._sessions, self._seed = gates, sessions, 0

    def __call__(self) -> None:
        self._seed += 1
        self._gates.send(pairs(simulated(self._sessions, seed=self._seed)))


def test_a_mixed_stream_comes_out_as_the_oracle_says(gates: Gates, redis: RedisSettings) -> None:
    messages = simulated(3_000, late_rate=0.05, broken_rate=0.05)
    odd: list[tuple[bytes | None, bytes | None]] = [(None, None), (b"k", None), (None, messages[0].value)]
    gates.send(pairs(messages))
    gates.wait_until_done_by_starting()
    gates.send(odd)
    gates.wait_until_done()
    assert gates.stop() == 0
    outcomes = gates.judge()
    kinds = Counter(message.kind for message in messages)
    assert outcomes["valid"] == kinds["valid"] + kinds["late"]
    assert outcomes.total() == len(messages) + len(odd)
    users = {json.loads(m.value)["userId"] for m in messages if m.kind in ("valid", "late")}
    assert distinct_users(redis) == pytest.approx(len(users), rel=0.05)


def sound(sessions: int) -> list[tuple[bytes, bytes]]:
    none = dict.fromkeys(
        (
            "broken_rate",
            "unknown_device_rate",
            "unknown_referrer_rate",
            "no_consent_rate",
            "duplicate_rate",
        ),
        0,
    )
    return pairs(simulated(sessions, **none))


def test_a_message_waits_for_no_other(gates: Gates) -> None:
    """Though a batch may wait an hour to fill: with one in hand the gate waits for nothing more."""
    gates.environment["VITRINE_GATE_LINGER_MS"] = str(HOUR_MS)
    messages = sound(6)
    gates.send(messages[:1])
    gates.start(batch_size=1)
    gates.wait_until_done()
    with gates.visible_from_now() as next_valid:
        for message in messages[1:]:
            gates.send([message])
            next_valid()


def test_a_quiet_gate_answers_at_once(gates: Gates) -> None:
    """In the time that twenty messages take without a gate, on this machine and now, beside its linger."""
    messages = sound(12)
    gates.send(messages[:1])
    gates.wait_until_done_by_starting()
    delays_s: list[float] = []
    without_gate_s: list[float] = []
    with gates.visible_from_now() as next_valid:
        for message in messages[1:]:
            for topic, took_s in (
                ("user_session_info", delays_s),
                ("valid_customer_session", without_gate_s),
            ):
                sent_at_s = time.monotonic()
                gates.send([message], topic)
                next_valid()
                took_s.append(time.monotonic() - sent_at_s)
    linger_s = GateSettings().linger_ms / 1000
    assert statistics.median(delays_s) < linger_s + 20 * statistics.median(without_gate_s), delays_s


def test_killed_gates_lose_and_repeat_nothing(gates: Gates) -> None:
    load = Load(gates, 3_000)
    dice = random.Random(11)
    for _ in range(6):
        load()
        gates.start(batch_size=dice.choice([30, 60, 90]))
        gates.kill_at_work("0", load)
    gates.wait_until_done_by_starting()
    gates.judge()


def test_two_gates_share_the_work_and_one_may_die(gates: Gates) -> None:
    load = Load(gates, 6_000)
    gates.start("a", batch_size=100)
    gates.start("b", batch_size=100)
    load()
    gates.wait_for(lambda: gates.said("partitions_assigned") >= 2, "a share for each")
    gates.kill_at_work("a", load)
    load()
    gates.wait_until_done()
    assert gates.stop("b") == 0
    gates.judge()


def test_a_gate_that_was_frozen_commits_nothing_stale(gates: Gates) -> None:
    load = Load(gates, 6_000)
    gates.start("a", batch_size=50)
    load()
    with gates.frozen_at_work("a", load):
        gates.start("b", batch_size=500)
        gates.wait_until_done()
    load()
    gates.wait_until_done()
    gates.judge()


def test_a_redis_that_lost_everything_is_rebuilt(gates: Gates, redis: RedisSettings) -> None:
    messages = pairs(simulated(3_000))
    gates.send(messages)
    gates.wait_until_done_by_starting()
    users = distinct_users(redis)
    gates.forget_everything()
    gates.wait_for(lambda: distinct_users(redis) == users, "distinct users counted again, with nothing to do")
    gates.forget_everything()
    gates.send(messages)
    gates.wait_until_done()
    assert distinct_users(redis) == users
    gates.judge()


def test_a_foreigners_words_among_the_valid_sessions_stop_no_rebuild(
    gates: Gates, redis: RedisSettings
) -> None:
    gates.send(pairs(simulated(300)))
    gates.wait_until_done_by_starting()
    users = distinct_users(redis)
    gates.send([(b"k", b"no session"), (b"k", b"[" * 100_000), (b"k", None)], "valid_customer_session")
    gates.forget_everything()
    gates.wait_for(lambda: distinct_users(redis) == users, "distinct users counted again")


def test_a_gate_with_another_key_of_pseudonyms_does_not_go_on(gates: Gates, redis: RedisSettings) -> None:
    """The key file is lost, or another machine made one of its own; what is no session is written last."""
    messages = pairs(simulated(300))
    gates.send(messages)
    gates.wait_until_done_by_starting()
    assert gates.stop() == 0
    users, valid = distinct_users(redis), gates.judge()["valid"]
    gates.send([(b"k", b"no session")] * 200, "valid_customer_session")
    own = dict(gates.environment)
    gates.environment["VITRINE_PSEUDONYM_KEY"] = "another key than the one that was lost"
    gates.send(messages)
    gates.start()
    assert gates.running.pop("0").wait(HUNG_S) == 1
    assert gates.said("other_pseudonym_key") == 1
    assert distinct_users(redis) == users
    gates.environment = own
    gates.wait_until_done_by_starting()
    gates.stop()
    values = [message.value() or b"" for message in read_all(gates.kafka, "valid_customer_session")]
    assert sum(value.startswith(b"{") for value in values) == valid  # what was sent again is a repeat


def test_a_redis_killed_under_load_costs_nothing(gates_on: GatesOn, own_redis: OwnRedis) -> None:
    gates = gates_on(own_redis.settings)
    load = Load(gates, 4_000)
    gates.start(batch_size=100)
    for _ in range(3):
        load()
        with gates.frozen_at_work("0", load):
            own_redis.kill()
        own_redis.start()
    gates.wait_until_done()
    gates.judge()


def test_gates_that_join_and_leave_under_load_stop_nobody(gates: Gates) -> None:
    """Each handing over finds a batch being committed."""
    load = Load(gates, 3_000)

    def handed_over_again(before: int) -> bool:
        return gates.said("partitions_assigned") > before

    gates.start("a", batch_size=20)
    for _ in range(3):
        load()
        handed_over = gates.said("partitions_assigned")
        gates.start("b", batch_size=20)
        gates.wait_for(partial(handed_over_again, handed_over), "its share")
        with gates.frozen_at_work("b", load):
            pass  # at work, so that its leaving finds a batch under way
        assert gates.stop("b") == 0
    gates.wait_until_done()
    assert gates.stop("a") == 0
    gates.judge()


def test_an_older_redis_from_a_backup_is_noticed(
    gates_on: GatesOn, kept_redis: OwnRedis, tmp_path: Path
) -> None:
    """It knows the first half of the sessions, and would let the second pass again."""
    gates = gates_on(kept_redis.settings)
    messages = pairs(simulated(6_000))
    gates.send(messages[:3_000])
    gates.wait_until_done_by_starting()
    kept_redis.back_up(tmp_path / "backup")
    gates.send(messages[3_000:])
    gates.wait_until_done()
    users = distinct_users(kept_redis.settings)
    kept_redis.restore(tmp_path / "backup")
    gates.send(messages)
    gates.wait_until_done()
    assert gates.judge()["duplicate"] > 5_000
    assert distinct_users(kept_redis.settings) == users
    assert gates.log.read_text().count("rebuild_finished") == 2, "when it was empty, and when it was older"


def test_a_horizon_longer_than_the_topics_keep_is_refused(gates: Gates) -> None:
    gates.environment["VITRINE_GATE_HORIZON_MS"] = str(31 * DAY_MS)
    gates.start()
    assert gates.running.pop("0").wait(HUNG_S) == 1
    assert "VITRINE_GATE_HORIZON_MS" in gates.log.read_text()
