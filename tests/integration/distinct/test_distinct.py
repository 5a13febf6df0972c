"""Users counted in the step in which the gate claims, and read by the command."""

# mypy: disable-error-code="arg-type,list-item"
# Generations and raw positions are written as the plain values that they are, for the reader's sake.

import json
import time
from argparse import Namespace
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from lab.benchmarks.sessions import valid_sessions
from streaming.contract.valid_session import StoredSession
from streaming.dedup.port import ClaimRequest, LogProgress
from streaming.dedup.redis.store import RedisDedupStore
from streaming.distinct.command import run
from streaming.gate.settings import GateSettings
from streaming.retention.place import Kept
from streaming.retention.plan import SESSIONS
from streaming.retention.record import MongoRecord
from streaming.settings import MongoSettings, RedisSettings
from streaming.sinks.mongo.sessions import MongoSessions

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = time.time_ns() // 1_000_000
FIELDS = {"country": "country", "device": "device_type", "referrer": "referrer"}


def sessions() -> list[StoredSession]:
    """Sessions of 600 users in the last 60 days; the older half as an import."""
    rng = Random(5)
    found = []
    for number, session in enumerate(valid_sessions(2_000)):
        age_ms = rng.randrange(60 * DAY_MS)
        feed = "live" if age_ms < 20 * DAY_MS else "import-a"
        fresh = replace(
            session, event_time_ms=NOW_MS - age_ms, feed=feed, user_pseudonym=f"u{rng.randrange(600)}"
        )
        found.append(replace(fresh, raw_offset=number, arrived_at_ms=NOW_MS))
    return found


@pytest.fixture
def seen(redis: RedisSettings, monkeypatch: pytest.MonkeyPatch) -> RedisDedupStore:
    monkeypatch.setenv("VITRINE_REDIS_KEY_PREFIX", redis.key_prefix)
    store = RedisDedupStore(redis, GateSettings(session_capacity=10_000, user_capacity=1_000))
    nothing_yet = LogProgress("log", {}, {}, low_watermark_ms=0, begins_ms=0)
    store.start_rebuild("one", nothing_yet)
    store.finish_rebuild("one", nothing_yet)
    store.trust(store.incarnation())
    return store


def claim(store: RedisDedupStore, counted: list[StoredSession]) -> None:
    arrived_ms = [session.arrived_at_ms for session in counted]
    store.claim(ClaimRequest("one", counted, range(len(counted)), arrived_ms))


def moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def asked(capsys: pytest.CaptureFixture[str], from_ms: int, to_ms: int, **more: Any) -> dict[str, Any]:
    arguments = dict.fromkeys((*FIELDS, "recount")) | {"json": True} | more
    assert run(Namespace(start=moment(from_ms), end=moment(to_ms), **arguments)) == 0
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def users(of: list[StoredSession], answer: dict[str, Any]) -> int:
    """The exact number of users in the period that was counted."""
    begin, end = (datetime.fromisoformat(answer[name]).timestamp() * 1000 for name in ("from", "to"))
    cut = (answer["cut"] or {}).items()
    return len(
        {
            session.user_pseudonym
            for session in of
            if begin <= session.event_time_ms < end
            and all(getattr(session, FIELDS[dimension]) == value for dimension, value in cut)
        }
    )


def test_any_period_and_breakdown_is_counted(
    seen: RedisDedupStore, capsys: pytest.CaptureFixture[str]
) -> None:
    counted, rng = sessions(), Random(6)
    claim(seen, counted)
    for number in range(80):
        from_ms, to_ms = sorted(NOW_MS - rng.randrange(61 * DAY_MS) for _ in range(2))
        dimension = rng.choice(["", *FIELDS])
        cut = {dimension: getattr(counted[number], FIELDS[dimension])} if dimension else {}
        answer = asked(capsys, from_ms, to_ms + 1, **cut)
        assert answer["cut"] == (cut or None)
        assert answer["whole_since"] is None
        assert answer["users"] == pytest.approx(users(counted, answer), rel=0.03, abs=1)
    recent = asked(capsys, NOW_MS - 5 * HOUR_MS, NOW_MS - 4 * HOUR_MS)
    assert datetime.fromisoformat(recent["to"]) - datetime.fromisoformat(recent["from"]) < (
        datetime.fromtimestamp(3 * 3_600, UTC) - datetime.fromtimestamp(0, UTC)
    ), "by the hour"


@pytest.mark.parametrize("expired_days", [None, 45])
def test_what_the_log_no_longer_has_is_counted_from_mongodb(
    seen: RedisDedupStore,
    mongo: MongoSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    expired_days: int | None,
) -> None:
    """As far back as retention has left it there."""
    monkeypatch.setenv("VITRINE_MONGO_DATABASE", mongo.database)
    counted = sessions()
    MongoSessions(mongo).insert([{"_id": s.session_pseudonym, **msgspec.to_builtins(s)} for s in counted])
    seen.drop()
    if expired_days is not None:
        MongoRecord(mongo).write(
            Kept(place=SESSIONS, days=expired_days, before_ms=NOW_MS - expired_days * DAY_MS)
        )
    begins_ms = NOW_MS - 30 * DAY_MS
    seen.start_rebuild("two", LogProgress("log", {0: 2_000}, {0: NOW_MS}, NOW_MS, begins_ms))
    year = NOW_MS - 365 * DAY_MS, NOW_MS + DAY_MS
    lost = asked(capsys, *year)
    assert lost["users"] == 0
    assert datetime.fromisoformat(lost["whole_since"]).timestamp() == pytest.approx(begins_ms / 1000, abs=60)
    found = asked(capsys, *year, recount=True)
    assert found["users"] == pytest.approx(users(counted, found), rel=0.03)
    if expired_days is None:
        assert found["whole_since"] is None
    else:
        whole_since_s = datetime.fromisoformat(found["whole_since"]).timestamp()
        assert whole_since_s == pytest.approx(NOW_MS / 1000 - expired_days * DAY_MS / 1000, abs=60)
    assert asked(capsys, *year, recount=True)["users"] == found["users"]
    hour = asked(capsys, NOW_MS - 30 * HOUR_MS, NOW_MS - 10 * HOUR_MS)
    assert hour["users"] == pytest.approx(users(counted, hour), rel=0.03, abs=1)


def test_an_invalid_period_and_missing_counters_are_reported(
    redis: RedisSettings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VITRINE_REDIS_KEY_PREFIX", redis.key_prefix)
    arguments = Namespace(
        start="2026-01-02", end="2026-01-01", json=True, recount=False, **dict.fromkeys(FIELDS)
    )
    assert run(arguments) == 2
    arguments.end = "2026-01-03"
    assert run(arguments) == 3
    assert "no gate has counted any users" in capsys.readouterr().err
    monkeypatch.setenv("VITRINE_REDIS_URL", "redis://127.0.0.1:1/0")
    assert run(arguments) == 3
