"""The log after somebody was erased: nothing of them, all of others, however often that is killed."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract import erased_session, topics
from streaming.contract.erased_session import ErasedSession
from streaming.contract.headers import Headers
from streaming.contract.log_position import LogPosition
from streaming.contract.valid_session import StoredSession, encode, try_decode
from streaming.person.log_changes import (
    ErasedFromDeadLetters,
    ErasedFromRejected,
    ErasedFromValid,
    is_erased,
)
from streaming.person.traces import Persons, traces_of
from streaming.replay.history import Attempt, History
from streaming.replay.log import kept_state
from streaming.rewriting.change import Change, Logged, anew
from streaming.summaries.key_limit import USUAL
from streaming.summaries.product import window

BEGUN_MS = 1_000_000_000_000
USERS = ("quixotry", "jazzwork", "hyphens7")
GONE = PSEUDONYMS.user(USERS[0])


def of(user: str, offset: int, arrived_at_ms: int = BEGUN_MS - 1) -> StoredSession:
    return valid_session(
        user_id=user,
        session_id=f"{user}-{offset}",
        name=f"Ms. {user}",
        email=f"{user}@mail.example",
        raw_offset=offset,
        arrived_at_ms=arrived_at_ms,
        product_ids=["p"],
        product_names=[f"for {user}" if offset % 2 else "Chair"],
        product_prices=[2.5],
        product_categories=["chairs"],
        actions=["purchase"],
    )


KNOWN = {GONE: traces_of(of(USERS[0], 0))}
PERSONS = Persons(PSEUDONYMS, KNOWN)
BEFORE_MS = {GONE: BEGUN_MS}


def valid_change() -> ErasedFromValid:
    return ErasedFromValid(PERSONS, BEFORE_MS, USUAL, PSEUDONYMS)


def rejected_change() -> ErasedFromRejected:
    return ErasedFromRejected(PERSONS, BEFORE_MS, History([], {}))


def rejected(offset: int, key: bytes | None, value: bytes | None, **more: bytes) -> Logged:
    headers: Headers = [
        (topics.HEADER_REASON, b"not_json"),
        (topics.HEADER_DETAIL, b"the detail"),
        (topics.HEADER_RAW_PARTITION, b"0"),
        (topics.HEADER_RAW_OFFSET, b"%d" % offset),
        (topics.HEADER_ARRIVED_AT_MS, b"%d" % (BEGUN_MS - 1)),
        *more.items(),
    ]
    return Logged(0, key, value, headers, 7)


def holds(record: Logged, word: str) -> bool:
    everything: list[Any] = [record.key or b"", record.value or b"", *(one for _, one in record.headers)]
    return any(word.encode() in one for one in everything)


users = st.lists(st.sampled_from(USERS), max_size=12)


@given(users)
def test_of_valid_sessions_the_others_stay_as_they_are(who: list[str]) -> None:
    sessions = [of(user, at) for at, user in enumerate(who)]
    log = [Logged(0, one.user_pseudonym.encode(), encode(one)) for one in sessions]
    log.append(Logged(0, b"k", b"of another program, about quixotry"))
    change = valid_change()
    left = list(anew(log, change))
    assert len(left) == len(sessions)
    assert change.changed == who.count(USERS[0])
    for one, record, before in zip(sessions, left, log, strict=False):
        if one.user_pseudonym == GONE:
            assert isinstance(try_decode(record.value, PSEUDONYMS), ErasedSession)
            assert not holds(record, USERS[0])
            assert not holds(record, GONE)
        else:
            assert record == before


@given(users)
def test_window_totals_of_the_log_stay_but_for_words_that_named_somebody(who: list[str]) -> None:
    sessions = [of(user, 2 * at) for at, user in enumerate(who)]
    log = [Logged(0, None, encode(one)) for one in sessions]
    left = [try_decode(record.value, PSEUDONYMS) for record in anew(log, valid_change())]
    assert window(filter(None, left)) == window(sessions)


def test_what_has_no_identity_is_no_session() -> None:
    """No gate wrote it; the other stages read it, and the store keeps it as a dead letter."""
    fields = json.loads(encode(of(USERS[0], 0)))
    del fields["identity"]
    value = json.dumps(fields, separators=(",", ":")).encode()
    assert try_decode(value, PSEUDONYMS) is not None
    assert list(anew([Logged(0, GONE.encode(), value)], valid_change())) == []


def test_what_came_after_the_request_is_a_new_visit() -> None:
    later = of(USERS[0], 3, BEGUN_MS)
    record = Logged(0, later.user_pseudonym.encode(), encode(later))
    assert list(anew([record], valid_change())) == [record]


MESSAGES: tuple[Callable[[str], tuple[bytes | None, bytes | None]], ...] = (
    lambda user: (user.encode(), b"no JSON"),
    lambda user: (None, json.dumps({"userId": user, "clicks": "x"}).encode()),
    lambda user: (None, json.dumps({"a": [{"mail": f"{user}@mail.example"}]}).encode()[:-2]),
    lambda user: (b"k", b"\xff" + f"{user}%40mail.example ".encode()),
    lambda user: (b"k", None),
)
messages = st.lists(st.tuples(st.sampled_from(USERS), st.sampled_from(MESSAGES)), max_size=10)


@given(messages)
def test_of_rejected_messages_the_others_can_be_sent_again(of_whom: list[tuple[str, Any]]) -> None:
    log = [rejected(at, *make(user)) for at, (user, make) in enumerate(of_whom)]
    left = list(anew(log, rejected_change()))
    assert len(left) == len(log)
    for (user, make), record, before in zip(of_whom, left, log, strict=True):
        if user == USERS[0] and make(user)[1] is not None:
            assert record.key is record.value is None
            assert not holds(record, USERS[0])
            assert not holds(record, "detail")
            assert dict(record.headers)[topics.HEADER_REASON] == b"not_json"
            assert is_erased(record.headers)
        else:
            assert record == before


def test_a_corrected_message_stays_corrected_though_its_correction_goes() -> None:
    """The raw messages, by which that is known, are cut up to what the gate has decided."""
    log = [rejected(0, b"jazzwork", b"no JSON"), rejected(1, b"jazzwork", b"nor this")]
    attempt = Attempt(LogPosition(0, 2), LogPosition(0, 0), "digest")
    before = History([attempt], {0: 3})
    left = list(anew(log, ErasedFromRejected(PERSONS, BEFORE_MS, before)))
    assert list(anew(left, rejected_change())) == left
    after = History([], {0: 3})
    for record in left:
        headers = {name: value.decode() for name, value in record.headers if isinstance(value, bytes)}
        at = LogPosition(0, int(headers[topics.HEADER_RAW_OFFSET]))
        after.add_rejection(at, "not_json", kept_state(headers))
    assert [after.state(LogPosition(0, at)) for at in (0, 1)] == ["corrected", "open"]


def dead_letter(topic: str, offset: int, value: bytes) -> Logged:
    headers: Headers = [
        (topics.HEADER_REASON, b"no_session"),
        (topics.HEADER_DETAIL, b"quixotry is wrong"),
        (topics.HEADER_TOPIC, topic.encode()),
        (topics.HEADER_PARTITION, b"0"),
        (topics.HEADER_OFFSET, b"%d" % offset),
    ]
    return Logged(0, b"k", value, headers)


def test_dead_letters_of_documents_are_made_again_and_those_of_sessions_stay() -> None:
    others = dead_letter(topics.VALID, 1, b"jazzwork")
    log = [
        dead_letter(topics.VALID, 0, b'"quixotry"'),
        others,
        dead_letter(topics.SESSION_SUMMARIES, 0, b'"quixotry"'),
    ]
    first, second = anew(log, ErasedFromDeadLetters(PERSONS))
    assert second == others
    assert not holds(first, "quixotry")
    assert is_erased(first.headers)


CHANGES: tuple[tuple[Callable[[], Change], list[Logged]], ...] = (
    (
        valid_change,
        [Logged(0, one.user_pseudonym.encode(), encode(one)) for one in map(of, USERS * 3, range(9))],
    ),
    (rejected_change, [rejected(at, *MESSAGES[at % 5](USERS[at % 3])) for at in range(15)]),
    (
        lambda: ErasedFromDeadLetters(PERSONS),
        [dead_letter(topics.VALID, at, f'"{USERS[at % 3]}"'.encode()) for at in range(9)],
    ),
)


@given(st.sampled_from(CHANGES), st.lists(st.tuples(st.integers(0, 15), st.booleans()), max_size=4))
def test_killed_at_any_step_it_ends_the_same(
    of_topic: tuple[Callable[[], Change], list[Logged]], killed: list[tuple[int, bool]]
) -> None:
    """It writes behind what is there, and when all is written deletes what was before: all of it, or nothing
    if it was killed in between."""
    change, before = of_topic
    wanted = list(anew(before, change()))
    log = list(before)
    for written, deleted in killed:
        copies = list(anew(log, change()))
        log = copies if deleted and written >= len(copies) else log + copies[:written]
    assert list(anew(log, change())) == wanted
    assert list(anew(wanted, change())) == wanted


def test_what_is_left_is_what_the_contract_says() -> None:
    [record] = anew([Logged(0, b"k", encode(of(USERS[0], 5)))], valid_change())
    left = erased_session.try_decode(record.value or b"")
    assert left is not None
    assert record.key == left.session_pseudonym.encode()
