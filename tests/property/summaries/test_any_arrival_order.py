"""In any order of arrival, each session is either in the window of its own hour or late, never both."""

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, session

from streaming.contract.session import LIVE_FEED, Session
from streaming.contract.valid_session import StoredSession, admit
from streaming.dedup.port import ClaimAnswer
from streaming.gate.candidate import candidate
from streaming.gate.decide import PartitionState, Raw, Rules, Valid, decide
from streaming.summaries.product import WINDOW_MS, window

PARTITIONS = 2


def a_session(number: int, event_time_ms: int, feed: str) -> Session:
    return session(
        session_id=str(number),
        event_time_ms=event_time_ms,
        feed=feed,
        product_ids=["p"],
        product_names=["n"],
        product_prices=[1.0],
        product_categories=["c"],
        actions=["view"],
    )


def judged(arrivals: list[tuple[int, Session]], lateness_ms: int) -> list[StoredSession]:
    """The gate's results for sessions that arrive in this order, each on its raw partition."""
    states = {partition: PartitionState() for partition in range(PARTITIONS)}
    found = []
    for offset, (partition, sent) in enumerate(arrivals):
        raw = Raw(partition, offset, 0, b"", b"")
        rules, answers = Rules(lateness_ms, 1_000, 0, PSEUDONYMS), [ClaimAnswer.KNOWN_USER]
        decision = decide([raw], [candidate(sent, PSEUDONYMS)], answers, states, rules)
        states |= decision.after
        [outcome] = decision.outcomes
        assert isinstance(outcome, Valid)
        found.append(
            admit(
                sent, PSEUDONYMS, user_kind="new", late=outcome.late,
                raw_partition=partition, raw_offset=offset, arrived_at_ms=0,
            )
        )  # fmt: skip
    return found


arrivals = st.lists(
    st.tuples(
        st.integers(0, PARTITIONS - 1),
        st.integers(0, 5 * WINDOW_MS),
        st.sampled_from([LIVE_FEED, LIVE_FEED, "import"]),
    ),
    max_size=15,
).map(lambda told: [(p, a_session(n, at, feed)) for n, (p, at, feed) in enumerate(told)])


@given(arrivals, st.integers(0, 5 * WINDOW_MS))
def test_each_session_is_in_the_window_of_its_hour_or_late(
    arrived: list[tuple[int, Session]], lateness_ms: int
) -> None:
    sessions = judged(arrived, lateness_ms)
    newest = dict.fromkeys(range(PARTITIONS), 0)
    expected: dict[int, int] = {}
    late = 0
    for partition, sent in arrived:
        if sent.feed == LIVE_FEED and sent.event_time_ms < newest[partition] - lateness_ms:
            late += 1
            continue
        hour = sent.event_time_ms // WINDOW_MS * WINDOW_MS
        expected[hour] = expected.get(hour, 0) + 1
        if sent.feed == LIVE_FEED:
            newest[partition] = max(newest[partition], sent.event_time_ms)
    views = {a.window_start_ms: a.views for a in window(sessions).values() if a.level == "product"}
    assert views == expected
    assert sum(valid.late for valid in sessions) == late
    assert sum(views.values()) + late == len(arrived)


@given(arrivals, st.randoms())
def test_within_the_allowed_lateness_any_order_gives_the_same_windows(
    arrived: list[tuple[int, Session]], random: Random
) -> None:
    in_order = window(judged(sorted(arrived, key=lambda it: it[1].event_time_ms), 5 * WINDOW_MS))
    random.shuffle(arrived)
    assert msgspec.to_builtins(window(judged(arrived, 5 * WINDOW_MS))) == msgspec.to_builtins(in_order)
