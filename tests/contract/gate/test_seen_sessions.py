"""What the gate needs of a store of seen sessions: one suite for Redis and for the stand-in."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from streaming.adapters.redis_seen import RedisSeen
from streaming.adapters.seen_remembered import RememberedSeen
from streaming.events.contract import Session
from streaming.events.parsing import parse
from streaming.gate.decide import KNOWN_USER, NEW_USER, TAKEN
from streaming.gate.settings import GateSettings
from streaming.ports import OutOfStep, SeenSessions, Standing
from streaming.settings import RedisSettings
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

FAR_FUTURE_MS = 1 << 47
_ALL_SOUND = TrafficSettings(
    sessions=1, unknown_device_rate=0, unknown_referrer_rate=0, late_rate=0, broken_rate=0, duplicate_rate=0
)


def _sound() -> Session:
    session = parse(next(traffic(_ALL_SOUND)).value, FAR_FUTURE_MS)
    assert isinstance(session, Session)
    return session


SOUND = _sound()
# So small and careless that "maybe" is the usual answer and the filter has to grow.
CARELESS = GateSettings(session_capacity=4, session_error_rate=0.9, user_capacity=4, user_error_rate=0.9)
ROOMY = GateSettings(session_capacity=100_000, user_capacity=100_000)


def session(session_id: object, user_id: object, **other: object) -> Session:
    return replace(SOUND, session_id=str(session_id), user_id=str(user_id), **other)


@pytest.fixture(params=["remembered", "redis", "redis, careless filters"])
def seen(request: pytest.FixtureRequest) -> Iterator[SeenSessions]:
    if request.param == "remembered":
        yield RememberedSeen()
        return
    store = RedisSeen(
        RedisSettings(key_prefix=f"test-{uuid4()}:"), ROOMY if request.param == "redis" else CARELESS
    )
    yield store
    store.drop()


@pytest.fixture
def ready(seen: SeenSessions) -> SeenSessions:
    build(seen, "first")
    return seen


def build(seen: SeenSessions, generation: str, offsets: dict[int, int] | None = None) -> None:
    assert seen.start_rebuild(generation)
    seen.finish_rebuild(Standing(generation, "log", offsets or {}))
    assert seen.trust(seen.incarnation())


def test_knows_nothing_until_it_is_built(seen: SeenSessions) -> None:
    assert seen.standing() is None
    assert not seen.is_trusted()
    assert seen.distinct_users() == 0
    with pytest.raises(OutOfStep):
        seen.claim("first", [session(1, 1)], [1], {})


def test_the_first_claim_stands_and_is_answered_alike_for_ever(ready: SeenSessions) -> None:
    for _ in range(2):
        assert ready.claim("first", [session(1, "u")], [10], {}) == bytes([NEW_USER])
        assert ready.claim("first", [session(2, "u")], [11], {}) == bytes([KNOWN_USER])
        assert ready.claim("first", [session(1, "u")], [12], {}) == bytes([TAKEN])
    assert ready.distinct_users() == 1


def test_repetitions_within_one_batch_are_seen(ready: SeenSessions) -> None:
    batch = [session(1, "u"), session(1, "u"), session(2, "u"), session(3, "v")]
    assert ready.claim("first", batch, [1, 2, 3, 4], {}) == bytes([NEW_USER, TAKEN, KNOWN_USER, NEW_USER])


def test_a_repetition_claims_no_user(ready: SeenSessions) -> None:
    ready.claim("first", [session(1, "u"), session(1, "v")], [1, 2], {})
    assert ready.distinct_users() == 1
    assert ready.claim("first", [session(2, "v")], [3], {}) == bytes([NEW_USER])


def test_an_empty_batch_still_moves_the_offsets_and_never_back(ready: SeenSessions) -> None:
    assert ready.claim("first", [], [], {0: (0, 10), 3: (0, 5)}) == b""
    assert ready.claim("first", [], [], {0: (4, 7)}) == b""
    standing = ready.standing()
    assert standing == Standing("first", "log", {0: 10, 3: 5})


def test_a_store_behind_the_log_changes_nothing(ready: SeenSessions) -> None:
    ready.claim("first", [], [], {0: (0, 10)})
    with pytest.raises(OutOfStep):
        ready.claim("first", [session(1, 1)], [1], {0: (11, 12)})
    with pytest.raises(OutOfStep):
        ready.claim("first", [session(1, 1)], [1], {1: (1, 2)})
    assert ready.claim("first", [session(1, 1)], [2], {0: (10, 12)}) == bytes([NEW_USER])


def test_another_generation_changes_nothing(ready: SeenSessions) -> None:
    with pytest.raises(OutOfStep):
        ready.claim("second", [session(1, 1)], [1], {})
    assert ready.distinct_users() == 0


def test_a_rebuild_replaces_everything_at_once(ready: SeenSessions) -> None:
    ready.claim("first", [session(1, "u")], [1], {0: (0, 2)})
    assert ready.start_rebuild("second")
    assert not ready.start_rebuild("third")
    assert ready.restore("second", [session(2, "v")], [7]) == bytes([NEW_USER])
    assert ready.claim("first", [session(1, "u")], [1], {0: (2, 3)}) == bytes([NEW_USER])
    with pytest.raises(OutOfStep):
        ready.restore("third", [session(2, "v")], [7])
    with pytest.raises(OutOfStep):
        ready.finish_rebuild(Standing("third", "log", {}))
    ready.finish_rebuild(Standing("second", "other log", {0: 8}))
    assert ready.standing() == Standing("second", "other log", {0: 8})
    with pytest.raises(OutOfStep):
        ready.claim("first", [], [], {})
    assert ready.claim("second", [session(2, "v"), session(1, "u")], [8, 9], {0: (8, 9)}) == bytes(
        [TAKEN, NEW_USER]
    )


def test_trust_ends_with_another_incarnation(ready: SeenSessions) -> None:
    assert ready.is_trusted()
    assert not ready.trust("another incarnation")


def test_large_batches_and_many_places(ready: SeenSessions) -> None:
    countries = ["NL", "DE", "a:b", "*", "Österreich"]
    batch = [
        session(i, i % 7_000, country=countries[i % 5], event_time_ms=i * 10_000_000) for i in range(9_001)
    ]
    answers = ready.claim("first", batch, list(range(9_001)), {0: (0, 9_001)})
    assert answers == bytes([NEW_USER] * 7_000 + [KNOWN_USER] * 2_001)
    assert ready.claim("first", batch, list(range(9_001)), {0: (0, 9_001)}) == answers
    assert ready.distinct_users() == pytest.approx(7_000, rel=0.04)


ids = st.integers(0, 12)
batches = st.lists(st.lists(st.tuples(ids, ids, st.integers(0, 40)), max_size=12), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(batches)
def test_agrees_with_a_dictionary(seen: SeenSessions, batches: list[list[tuple[int, int, int]]]) -> None:
    run = uuid4().hex
    build(seen, run)
    holder_of: dict[tuple[str, int], int] = {}
    for batch in batches:
        expected = []
        for session_id, user_id, at in batch:
            if holder_of.setdefault(("session", session_id), at) != at:
                expected.append(TAKEN)
            else:
                is_new = holder_of.setdefault(("user", user_id), at) == at
                expected.append(NEW_USER if is_new else KNOWN_USER)
        sessions = [session(session_id, user_id) for session_id, user_id, _ in batch]
        assert list(seen.claim(run, sessions, [at for *_, at in batch], {})) == expected
