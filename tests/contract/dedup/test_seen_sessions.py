"""The contract of a dedup store: one suite for Redis and for the in-memory stand-in."""

# mypy: disable-error-code="arg-type,list-item"
# Generations and raw positions are written as plain values, which is easier to read.

import time
from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from redis import Redis
from support import redis_users
from support.sessions import valid_session

from streaming.contract.session import Visit
from streaming.dedup.counters import day_name
from streaming.dedup.memory import InMemoryDedupStore
from streaming.dedup.port import (
    BatchSpan,
    ClaimAnswer,
    ClaimRequest,
    DedupStore,
    LogProgress,
    OutOfSync,
    StoreProgress,
)
from streaming.dedup.redis.commands import CLAIMING
from streaming.dedup.redis.store import RedisDedupStore
from streaming.gate.settings import GateSettings
from streaming.settings import RedisSettings

BEYOND, KNOWN_USER, NEW_USER = ClaimAnswer.BEYOND, ClaimAnswer.KNOWN_USER, ClaimAnswer.NEW_USER
OLD, TAKEN = ClaimAnswer.OLD, ClaimAnswer.TAKEN
ENDED_AT_MS = 1_767_261_296_123
DAY_MS = 86_400_000
NOW_MS = ENDED_AT_MS + DAY_MS
# So small and inaccurate that filters usually answer "maybe" and have to grow.
CARELESS = GateSettings(session_capacity=4, session_error_rate=0.9, user_capacity=4, user_error_rate=0.9)
ROOMY = GateSettings(session_capacity=100_000, user_capacity=100_000)
HORIZON = ROOMY.horizon
SEGMENT_MS = HORIZON.segment_ms


def session(session: object, user: object, **other: object) -> Visit:
    """Here pseudonyms need not belong to ids."""
    ended = {"event_time_ms": ENDED_AT_MS} | other
    return valid_session(session_pseudonym=str(session), user_pseudonym=str(user), **ended)


@pytest.fixture(params=["remembered", "redis", "redis, careless filters"])
def seen(request: pytest.FixtureRequest) -> Iterator[DedupStore]:
    """In Redis with the rights of a gate, so that one that is missing in its declaration is found here."""
    if request.param == "remembered":
        yield InMemoryDedupStore(HORIZON)
        return
    with redis_users.restricted(RedisSettings(key_prefix=f"test-{uuid4()}:"), CLAIMING) as own:
        store = RedisDedupStore(own, ROOMY if request.param == "redis" else CARELESS)
        yield store
        store.drop()


@pytest.fixture
def ready(seen: DedupStore) -> DedupStore:
    build(seen, "first")
    return seen


@pytest.fixture(params=["remembered", "redis"])
def few_imports(request: pytest.FixtureRequest) -> Iterator[DedupStore]:
    """A store that knows two imports at most."""
    if request.param == "remembered":
        seen: DedupStore = InMemoryDedupStore(HORIZON, imports_max=2)
        build(seen, "first")
        yield seen
        return
    store = RedisDedupStore(
        RedisSettings(key_prefix=f"test-{uuid4()}:"), ROOMY.model_copy(update={"imports_max": 2})
    )
    build(store, "first")
    yield store
    store.drop()


def committed(
    log: str = "log", offsets: dict[int, int] | None = None, arrived_ms: int = 0, low_watermark_ms: int = 0
) -> LogProgress:
    offsets = offsets or {}
    return LogProgress(log, offsets, dict.fromkeys(offsets, arrived_ms), low_watermark_ms, begins_ms=0)


def build(seen: DedupStore, generation: str) -> None:
    assert seen.start_rebuild(generation, committed()) is not None
    seen.finish_rebuild(generation, committed())
    assert seen.trust(seen.incarnation())


def claim(
    seen: DedupStore,
    sessions: Sequence[Visit],
    positions: Sequence[int],
    spans: Mapping[int, tuple[int, int]] | None = None,
    *,
    at_ms: int | Sequence[int] = NOW_MS,
    generation: str = "first",
) -> list[ClaimAnswer]:
    arrived_ms = [at_ms] * len(sessions) if isinstance(at_ms, int) else at_ms
    newest_ms = max(arrived_ms, default=NOW_MS)
    whole = {partition: BatchSpan(*span, newest_ms) for partition, span in (spans or {}).items()}
    return list(seen.claim(ClaimRequest(generation, sessions, positions, arrived_ms, whole)))


def test_it_is_empty_until_it_is_built(seen: DedupStore) -> None:
    assert seen.standing() is None
    assert not seen.is_trusted()
    assert seen.distinct_users() == 0
    assert seen.filter_fill() == []
    with pytest.raises(OutOfSync):
        claim(seen, [session(1, 1)], [1])


def test_the_first_claim_stays_and_gets_the_same_answer_again(ready: DedupStore) -> None:
    for _ in range(2):
        assert claim(ready, [session(1, "u")], [10]) == [NEW_USER]
        assert claim(ready, [session(2, "u")], [11]) == [KNOWN_USER]
        assert claim(ready, [session(1, "u")], [12]) == [TAKEN]
    assert ready.distinct_users() == 1


def test_repeats_within_one_batch_are_recognised(ready: DedupStore) -> None:
    batch = [session(1, "u"), session(1, "u"), session(2, "u"), session(3, "v")]
    assert claim(ready, batch, [1, 2, 3, 4]) == [NEW_USER, TAKEN, KNOWN_USER, NEW_USER]


def test_a_repeat_claims_no_user(ready: DedupStore) -> None:
    claim(ready, [session(1, "u"), session(1, "v")], [1, 2])
    assert ready.distinct_users() == 1
    assert claim(ready, [session(2, "v")], [3]) == [NEW_USER]


def test_an_empty_batch_also_advances_the_offsets_which_never_go_back(ready: DedupStore) -> None:
    assert claim(ready, [], [], {0: (0, 10), 3: (0, 5)}) == []
    assert claim(ready, [], [], {0: (4, 7)}) == []
    standing = ready.standing()
    assert standing == StoreProgress("first", "log", {0: 10, 3: 5})


def test_a_store_behind_the_log_changes_nothing(ready: DedupStore) -> None:
    claim(ready, [], [], {0: (0, 10)})
    with pytest.raises(OutOfSync):
        claim(ready, [session(1, 1)], [1], {0: (11, 12)})
    with pytest.raises(OutOfSync):
        claim(ready, [session(1, 1)], [1], {1: (1, 2)})
    assert claim(ready, [session(1, 1)], [2], {0: (10, 12)}) == [NEW_USER]


def test_another_generation_changes_nothing(ready: DedupStore) -> None:
    with pytest.raises(OutOfSync):
        claim(ready, [session(1, 1)], [1], generation="second")
    with pytest.raises(OutOfSync):
        ready.forget_before("second", NOW_MS)
    assert ready.distinct_users() == 0


def test_a_rebuild_replaces_all_claims_at_once(ready: DedupStore) -> None:
    claim(ready, [session(1, "u")], [1], {0: (0, 2)})
    decided = committed("other log", {0: 8}, NOW_MS)
    assert ready.start_rebuild("second", decided) == 0
    assert ready.start_rebuild("third", decided) is None
    assert list(ready.restore(ClaimRequest("second", [session(2, "v")], [7], [NOW_MS]))) == [NEW_USER]
    assert claim(ready, [session(1, "u")], [1], {0: (2, 3)}) == [NEW_USER]
    with pytest.raises(OutOfSync):
        ready.restore(ClaimRequest("third", [session(2, "v")], [7], [NOW_MS]))
    with pytest.raises(OutOfSync):
        ready.finish_rebuild("third", decided)
    ready.finish_rebuild("second", decided)
    assert ready.standing() == StoreProgress("second", "other log", {0: 8})
    with pytest.raises(OutOfSync):
        claim(ready, [], [])
    batch = [session(2, "v"), session(1, "u")]
    assert claim(ready, batch, [8, 9], {0: (8, 9)}, generation="second") == [TAKEN, NEW_USER]


def test_trust_ends_with_another_incarnation(ready: DedupStore) -> None:
    assert ready.is_trusted()
    assert not ready.trust("another incarnation")


def test_large_batches_and_many_counters(ready: DedupStore) -> None:
    countries = ["NL", "DE", "a:b", "*", "Österreich"]
    batch = [
        session(i, i % 7_000, country=countries[i % 5], event_time_ms=NOW_MS - i * 10_000)
        for i in range(9_001)
    ]
    answers = claim(ready, batch, range(9_001), {0: (0, 9_001)})
    assert answers == [NEW_USER] * 7_000 + [KNOWN_USER] * 2_001
    assert claim(ready, batch, range(9_001), {0: (0, 9_001)}) == answers
    assert ready.distinct_users() == pytest.approx(7_000, rel=0.04)


def test_a_claim_is_seen_for_a_horizon_before_and_after(ready: DedupStore) -> None:
    """Also by messages that arrived earlier but are read later, as from a partition that lags."""
    first_ms = SEGMENT_MS * HORIZON.segment(NOW_MS)
    last_seen_ms = first_ms + SEGMENT_MS * (HORIZON.segments + 1) - 1
    assert claim(ready, [session(1, "u")], [1], at_ms=first_ms) == [NEW_USER]
    assert claim(ready, [session(1, "v")], [2], at_ms=last_seen_ms) == [TAKEN]
    assert claim(ready, [session(1, "v")], [3], at_ms=first_ms - SEGMENT_MS * HORIZON.segments) == [TAKEN]
    assert claim(ready, [session(1, "v")], [4], at_ms=last_seen_ms + 1) == [NEW_USER]
    assert claim(ready, [session(1, "u")], [1], at_ms=first_ms) == [NEW_USER]


def test_a_user_is_known_for_a_horizon_from_the_last_session(ready: DedupStore) -> None:
    step_ms = SEGMENT_MS * HORIZON.segments
    visits = [NOW_MS, NOW_MS + step_ms, NOW_MS + 2 * step_ms, NOW_MS + 3 * step_ms + SEGMENT_MS]
    for _ in range(2):
        kinds = [claim(ready, [session(i, "u")], [i], at_ms=at)[0] for i, at in enumerate(visits)]
        assert kinds == [NEW_USER, KNOWN_USER, KNOWN_USER, NEW_USER]


def test_one_batch_may_span_segments(ready: DedupStore) -> None:
    batch = [session(1, "u"), session(1, "u"), session(2, "u")]
    arrivals = [NOW_MS + SEGMENT_MS, NOW_MS, NOW_MS]
    for _ in range(2):
        assert claim(ready, batch, [1, 2, 3], at_ms=arrivals) == [NEW_USER, TAKEN, KNOWN_USER]


def test_the_horizon_of_an_import_runs_from_its_first_arrival(ready: DedupStore) -> None:
    old = {"event_time_ms": NOW_MS - 1_000 * DAY_MS, "feed": "import-a"}
    end_ms = NOW_MS + HORIZON.horizon_ms
    assert claim(ready, [session(1, "u", **old)], [1]) == [NEW_USER]
    assert claim(ready, [session(2, "u", **old)], [2], at_ms=end_ms) == [KNOWN_USER]
    assert claim(ready, [session(3, "u", **old)], [3], at_ms=end_ms + 1) == [BEYOND]
    assert claim(ready, [session(1, "u", **old)], [4], at_ms=end_ms + 1) == [BEYOND]
    young = old | {"event_time_ms": end_ms}
    assert claim(ready, [session(4, "u", **young)], [5], at_ms=end_ms + 1) == [KNOWN_USER]
    other = old | {"feed": "import-b"}
    assert claim(ready, [session(5, "u", **other)], [6], at_ms=end_ms + 1) == [KNOWN_USER]


def test_no_more_imports_are_known_than_the_setting_says(few_imports: DedupStore) -> None:
    """Those that are known go on, and a rebuild restores whatever is committed."""
    old = {"event_time_ms": NOW_MS - 1_000 * DAY_MS}
    feeds = ["import-a", "import-b", "import-c", "live", "import-a", "import-c"]
    ages = [old if feed != "live" else {} for feed in feeds]
    batch = [session(n, "u", feed=feed, **age) for n, (feed, age) in enumerate(zip(feeds, ages, strict=True))]
    many = ClaimAnswer.TOO_MANY_IMPORTS
    for _ in range(2):
        answers = claim(few_imports, batch, range(len(batch)))
        assert answers == [NEW_USER, KNOWN_USER, many, KNOWN_USER, KNOWN_USER, many]
    assert few_imports.start_rebuild("second", committed()) is not None
    restored = few_imports.restore(ClaimRequest("second", batch, range(len(batch)), [NOW_MS] * len(batch)))
    assert many not in list(restored)
    few_imports.finish_rebuild("second", committed())
    more = [session(7, "u", feed="import-c", **old), session(8, "u", feed="import-d", **old)]
    assert claim(few_imports, more, [7, 8], generation="second") == [KNOWN_USER, many]


def test_a_claim_stays_if_an_earlier_first_arrival_of_its_feed_becomes_known(ready: DedupStore) -> None:
    old = {"event_time_ms": 0, "feed": "import-a"}
    late_ms = NOW_MS + HORIZON.horizon_ms
    assert claim(ready, [session(1, "u", **old)], [1], at_ms=NOW_MS) == [NEW_USER]
    assert claim(ready, [session(2, "u", **old)], [2], at_ms=late_ms) == [KNOWN_USER]
    assert claim(ready, [session(3, "u", **old)], [3], at_ms=NOW_MS - DAY_MS) == [KNOWN_USER]
    assert claim(ready, [session(4, "u", **old)], [4], at_ms=late_ms) == [BEYOND]
    assert claim(ready, [session(2, "u", **old)], [2], at_ms=late_ms) == [KNOWN_USER]


def test_segments_are_dropped_when_no_message_can_see_them(ready: DedupStore) -> None:
    claim(ready, [session(1, "u")], [1])
    later_ms = NOW_MS + SEGMENT_MS * HORIZON.segments
    ready.forget_before("first", later_ms)
    assert claim(ready, [session(1, "u")], [2], at_ms=later_ms) == [TAKEN]
    first = f"sessions:{HORIZON.segment(NOW_MS)}"
    assert first in {fill.name for fill in ready.filter_fill()}
    ready.forget_before("first", later_ms + SEGMENT_MS)
    ready.forget_before("first", NOW_MS)
    assert claim(ready, [session(1, "u")], [3], at_ms=later_ms) == [NEW_USER]
    assert first not in {fill.name for fill in ready.filter_fill()}
    # A clock set back does not restore what is dropped: such a message is treated as arriving now.
    assert claim(ready, [session(1, "u")], [4], at_ms=NOW_MS) == [TAKEN]


def test_a_rebuild_needs_sessions_that_are_visible_or_not_counted(ready: DedupStore) -> None:
    low_watermark_ms = NOW_MS + 100 * SEGMENT_MS
    decided = committed("log", {0: 9, 1: 5}, low_watermark_ms, low_watermark_ms)
    assert ready.start_rebuild("second", decided) == 0, "partition 1 is not counted yet"
    assert list(ready.restore(ClaimRequest("second", [session(1, "u")], [1], [NOW_MS]))) == [OLD], (
        "only counted"
    )
    ready.restore(ClaimRequest("second", [session(2, "v")], [2], [low_watermark_ms]))
    ready.finish_rebuild("second", decided)
    assert ready.distinct_users() == 2
    batch = [session(1, "w"), session(2, "w")]
    assert claim(ready, batch, [3, 4], at_ms=low_watermark_ms, generation="second") == [NEW_USER, TAKEN]
    since_ms = ready.start_rebuild("third", decided)
    assert since_ms == SEGMENT_MS * HORIZON.first_visible(low_watermark_ms)
    ready.finish_rebuild("third", decided)
    assert ready.distinct_users() == 3, "counts are not lost with the claims"


def test_another_log_starts_its_counts_at_0(ready: DedupStore) -> None:
    claim(ready, [session(1, "u", feed="import-a", event_time_ms=0)], [1], {0: (0, 2)})
    assert ready.distinct_users() == 1
    assert ready.start_rebuild("second", committed("another log", {0: 2}, NOW_MS)) == 0
    ready.finish_rebuild("second", committed("another log", {0: 2}, NOW_MS))
    assert ready.distinct_users() == 0
    late = session(2, "u", feed="import-a", event_time_ms=0)
    assert claim(ready, [late], [3], at_ms=NOW_MS + 2 * HORIZON.horizon_ms, generation="second") == [NEW_USER]


def test_the_fill_of_each_segment_is_returned(ready: DedupStore) -> None:
    claim(ready, [session(i, i % 3) for i in range(10)], range(10))
    claim(ready, [session(i, i) for i in range(10, 12)], [10, 11], at_ms=NOW_MS + SEGMENT_MS)
    here = HORIZON.segment(NOW_MS)
    fills = {fill.name: fill.items for fill in ready.filter_fill()}
    assert list(fills) == [f"{kind}:{here + i}" for i in (0, 1) for kind in ("sessions", "users")]


ids = st.integers(0, 12)
arrivals = st.integers(0, 3 * HORIZON.segments).map(lambda segments: NOW_MS + segments * SEGMENT_MS)
batches = st.lists(st.lists(st.tuples(ids, ids, st.integers(0, 40), arrivals), max_size=12), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(batches)
def test_agrees_with_the_stand_in(seen: DedupStore, batches: list[list[tuple[int, int, int, int]]]) -> None:
    """A position always has the same arrival, session and user."""
    run = uuid4().hex
    build(seen, run)
    plain = InMemoryDedupStore(HORIZON)
    build(plain, run)
    message_at: dict[int, tuple[Visit, int]] = {}
    for batch in batches:
        for session_id, user_id, at, arrived_ms in batch:
            message_at.setdefault(at, (session(session_id, user_id), arrived_ms))
        messages = [message_at[at] for *_, at, _ in batch]
        sessions, arrivals_ms = [s for s, _ in messages], [ms for _, ms in messages]
        positions = [at for *_, at, _ in batch]
        expected = claim(plain, sessions, positions, at_ms=arrivals_ms, generation=run)
        assert claim(seen, sessions, positions, at_ms=arrivals_ms, generation=run) == expected


@pytest.mark.parametrize("lost", ["sessions:*", "users:*", "segments", "offsets"])
def test_a_redis_that_lacks_a_part_is_not_complete(redis: RedisSettings, lost: str) -> None:
    """If a missing filter were created again, it would be empty, and all sessions would look new."""
    store = RedisDedupStore(redis, ROOMY)
    build(store, "first")
    claim(store, [session(1, "u")], [1], {0: (0, 2)})
    assert store.standing() is not None
    with Redis.from_url(redis.url.get_secret_value()) as client:
        assert client.delete(*client.scan_iter(match=f"{redis.key_prefix}{{gate}}:first:{lost}"))
    assert store.standing() is None
    with pytest.raises(OutOfSync):
        claim(store, [session(1, "u")], [2], {0: (2, 3)})


def test_a_full_filter_grows_and_stays_exact(redis: RedisSettings) -> None:
    small = ROOMY.model_copy(update={"session_capacity": 400, "session_error_rate": 0.01})
    store = RedisDedupStore(redis, small)
    build(store, "first")
    everyone = [session(i, i) for i in range(1_000)]
    assert claim(store, everyone, range(1_000)) == [NEW_USER] * 1_000
    assert claim(store, everyone, range(1_000, 2_000)) == [TAKEN] * 1_000
    fill = store.filter_fill()[0]
    assert (fill.capacity, fill.items > 900) == (100, True)
    assert 0.005 < fill.error_rate_estimate < 0.02


def test_a_store_of_other_pseudonyms_is_not_used_and_counts_anew(redis: RedisSettings) -> None:
    """Claims and counters by the pseudonyms of another key would not be found."""
    first, second = (
        ROOMY.model_copy(update={"pseudonym_key": SecretStr(letter * 20)}) for letter in ("a", "b")
    )
    store, other = RedisDedupStore(redis, first), RedisDedupStore(redis, second)
    build(store, "first")
    claim(store, [session(1, "u")], [1], {0: (0, 2)})
    assert (store.standing() is not None, other.standing()) == (True, None)
    assert other.distinct_users() == 1
    build(other, "second")
    assert other.distinct_users() == 0
    assert other.standing() is not None
    assert store.standing() is None


def old_import(number: int, feed: str = "import-a") -> Visit:
    return session(number, "u", feed=feed, event_time_ms=0)


MUCH_LATER_MS = NOW_MS + 2 * HORIZON.horizon_ms


def test_other_pseudonyms_do_not_make_an_import_new(redis: RedisSettings) -> None:
    """Nor does an update from a release without any: the log may have lost the import's first sessions."""
    first, second = (
        ROOMY.model_copy(update={"pseudonym_key": SecretStr(letter * 20)}) for letter in ("a", "b")
    )
    store, other = RedisDedupStore(redis, first), RedisDedupStore(redis, second)
    build(store, "first")
    claim(store, [old_import(1)], [1], {0: (0, 2)})
    build(other, "second")
    again = claim(other, [old_import(2)], [3], at_ms=MUCH_LATER_MS, generation="second")
    assert again == [BEYOND]


def test_a_purged_feed_is_forgotten_and_no_other_import_is_new(redis: RedisSettings) -> None:
    store = RedisDedupStore(redis, ROOMY)
    build(store, "first")
    claim(store, [old_import(1), old_import(2, "import-b")], [1, 2], {0: (0, 3)})
    for _ in range(2):
        store.forget_feed("import-a")
    assert store.standing() is None
    assert store.distinct_users() == 0
    build(store, "second")
    again = [old_import(1), old_import(2, "import-b")]
    answers = claim(store, again, [4, 5], at_ms=MUCH_LATER_MS, generation="second")
    assert answers == [NEW_USER, BEYOND]


def test_a_store_with_another_horizon_is_not_used(redis: RedisSettings) -> None:
    build(RedisDedupStore(redis, ROOMY), "first")
    longer = ROOMY.model_copy(update={"horizon_ms": ROOMY.horizon_ms + DAY_MS})
    assert RedisDedupStore(redis, longer).standing() is None
    assert RedisDedupStore(redis, ROOMY).standing() is not None


def test_counters_of_an_earlier_release_are_bounded(redis: RedisSettings) -> None:
    """Its days never expired, and each spelling had a counter."""
    store, client = RedisDedupStore(redis, ROOMY), Redis.from_url(redis.url.get_secret_value())
    prefix = f"{redis.key_prefix}{{gate}}:users:"
    today = day_name(time.time_ns() // 1_000_000 // DAY_MS)
    build(store, "first")
    for name in ("all", today, f"{today}:country:us", f"{today}:country:US", f"{today}:device:mobile"):
        client.pfadd(prefix + name, f"of {name}")
    client.pfadd(f"{prefix}{today}T01:referrer:https://www.google.de/", "one")
    client.pfadd(f"{prefix}2001-01-01:country:Narnia", "long ago")
    store.forget_before("first", 0)
    assert {
        key.decode().removeprefix(prefix): client.pfcount(key) for key in client.scan_iter(f"{prefix}*")
    } == {
        "all": 1,
        today: 1,
        f"{today}:country:United States": 2,
        f"{today}:device:mobile": 1,
        f"{today}T01:referrer:Google": 1,
        "2001-01-01:country:other": 1,
    }
    assert 29 * DAY_MS < client.pttl(f"{prefix}2001-01-01:country:other") <= 30 * DAY_MS, (
        "not dropped unasked"
    )
    assert client.pttl(f"{prefix}all") == -1
    assert 399 * DAY_MS < client.pttl(prefix + today) < 402 * DAY_MS
    assert client.pttl(f"{prefix}{today}T01:referrer:Google") < 37 * DAY_MS


def test_counters_expire_with_their_hours_and_days(redis: RedisSettings) -> None:
    store, client = RedisDedupStore(redis, ROOMY), Redis.from_url(redis.url.get_secret_value())
    prefix, now_ms = f"{redis.key_prefix}{{gate}}:users:", time.time_ns() // 1_000_000
    build(store, "first")
    ages = {"a": 0, "b": 100 * DAY_MS, "c": 398 * DAY_MS, "d": 402 * DAY_MS}
    batch = [
        session(user, user, event_time_ms=now_ms - age_ms, feed="import-a") for user, age_ms in ages.items()
    ]
    claim(store, batch, range(4), at_ms=now_ms)
    assert store.distinct_users() == 4
    days = {
        user
        for user, age_ms in ages.items()
        if client.pfcount(prefix + day_name((now_ms - age_ms) // DAY_MS)) == 1
    }
    assert days == {"a", "b", "c"}, "a day that would have been dropped is not counted"
    assert all(client.pttl(key) > 0 for key in client.scan_iter(f"{prefix}2*"))
