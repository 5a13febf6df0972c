"""Nobody goes on with another key than the one that the pseudonyms there were made with."""

import msgspec
import pytest
from support.sessions import PSEUDONYMS, earlier_message, valid_session

from streaming.contract.pseudonym import Pseudonyms
from streaming.contract.pseudonym_key import OtherKey, key_ids, require_same
from streaming.contract.valid_session import encode

OTHER = Pseudonyms("another key than that of the tests")


def message(arrived_at_ms: int, key_id: str = PSEUDONYMS.key_id) -> bytes:
    return encode(msgspec.structs.replace(valid_session(), arrived_at_ms=arrived_at_ms, pseudonym_key=key_id))


EARLIER = earlier_message(valid_session(arrived_at_ms=9))


def test_the_newest_session_of_all_partitions_tells_the_key() -> None:
    log = [[], [message(3, "other"), message(1)], [message(2)]]
    assert key_ids(log, PSEUDONYMS) == {"other"}
    assert key_ids(reversed(log), PSEUDONYMS) == {"other"}
    assert key_ids([[message(3, "other")], [message(4)]], PSEUDONYMS) == {PSEUDONYMS.key_id}


def test_what_is_no_session_is_passed_over() -> None:
    assert key_ids([[b"no session", b"", message(1, "other")]], PSEUDONYMS) == {"other"}


def test_an_empty_log_and_an_earlier_gates_tell_none() -> None:
    assert key_ids([], PSEUDONYMS) == key_ids([[], [b"no session"]], PSEUDONYMS) == frozenset()
    assert key_ids([[EARLIER, message(1, "other")]], PSEUDONYMS) == frozenset()
    assert key_ids([[EARLIER], [message(1, "other")]], PSEUDONYMS) == {"other"}


def test_no_more_is_read_than_needed() -> None:
    unread = iter([message(2), message(1)])
    key_ids([unread], PSEUDONYMS)
    assert list(unread) == [message(1)]


def test_another_key_is_refused() -> None:
    require_same((), PSEUDONYMS, "the log")
    require_same({OTHER.key_id, PSEUDONYMS.key_id}, PSEUDONYMS, "MongoDB")
    with pytest.raises(OtherKey, match=f"the log .*{OTHER.key_id}.*{PSEUDONYMS.key_id}"):
        require_same({OTHER.key_id}, PSEUDONYMS, "the log")
