"""What stays of the log without a feed, however often the purge is killed."""

from hypothesis import given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, earlier_message, valid_session

from streaming.contract.valid_session import encode, try_decode
from streaming.purge.kept import without
from streaming.rewriting.change import Logged, anew

feeds = st.sampled_from(["live", "demo", "import-1"])
logs = st.lists(st.tuples(st.integers(0, 1), feeds), max_size=30)


def a_log(of: list[tuple[int, str]]) -> list[Logged]:
    """The records in the order of their raw offsets, each third of an earlier gate, and some that are no
    session."""
    found = []
    for at, (partition, feed) in enumerate(of):
        session = valid_session(session_id=f"s{at}", feed=feed, raw_partition=partition, raw_offset=at)
        value, key = encode(session), session.user_pseudonym
        if at % 3 == 0:
            value, key = earlier_message(session), session.identity.user_id
        found.append(Logged(partition, key.encode(), value))
    return [*found, Logged(0, b"k", b"no session"), Logged(1, None, None)]


def offsets(of: list[Logged]) -> list[int]:
    return [session.raw_offset for record in of if (session := try_decode(record.value, PSEUDONYMS))]


@given(logs, feeds)
def test_all_other_sessions_stay_as_they_are_and_in_their_order(of: list[tuple[int, str]], feed: str) -> None:
    log = a_log(of)
    left = list(anew(log, without(feed, PSEUDONYMS)))
    assert offsets(left) == [at for at, (_, named) in enumerate(of) if named != feed]
    assert all(record in log for record in left)


@given(logs, feeds, st.lists(st.integers(0, 30), max_size=3))
def test_a_purge_killed_while_it_writes_ends_the_same(
    of: list[tuple[int, str]], feed: str, killed_after: list[int]
) -> None:
    """It writes behind what is there; only when it has written all is what was before deleted."""
    log = a_log(of)
    for written in killed_after:
        log += list(anew(log, without(feed, PSEUDONYMS)))[:written]
    assert list(anew(log, without(feed, PSEUDONYMS))) == list(anew(a_log(of), without(feed, PSEUDONYMS)))
