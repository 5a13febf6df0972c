"""Decisions as Kafka records."""

from support.sessions import PSEUDONYMS

from streaming.contract.horizon import refusal
from streaming.contract.parsing import parse
from streaming.contract.rejection import Reason, Rejection
from streaming.contract.session import Session
from streaming.contract.valid_session import UserKind, admit, encode
from streaming.gate.candidate import candidate
from streaming.gate.decide import Decision, ExtractionDue, Raw, Rejected, Valid
from streaming.gate.records import records
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic

KEY = PSEUDONYMS.key_id


def test_valid_sessions_are_the_canonical_bytes_keyed_by_user() -> None:
    sent = [message.value for message in traffic(TrafficSettings(sessions=200))]
    sessions = [parsed for value in sent if isinstance(parsed := parse(value, 1 << 47), Session)]
    assert len(sessions) > 150
    for number, session in enumerate(sessions):
        kind: UserKind = "new" if number % 2 else "returning"
        late = number % 3 == 0
        raw = Raw(number % 4, number, 1_000 + number, None, b"")
        (record,) = records(Decision([Valid(raw, candidate(session, PSEUDONYMS), kind, late)], KEY, [], {}))
        expected = admit(
            session,
            PSEUDONYMS,
            user_kind=kind,
            late=late,
            raw_partition=raw.partition,
            raw_offset=raw.offset,
            arrived_at_ms=raw.arrived_at_ms,
        )
        assert (record.topic, record.key) == (
            "valid_customer_session",
            PSEUDONYMS.user(session.user_id).encode(),
        )
        assert record.value == encode(expected)


def test_refused_messages_keep_their_bytes_and_say_why() -> None:
    raw = Raw(1, 42, 1_234, None, b"\xff\x00")
    (record,) = records(Decision([Rejected(raw, Rejection(Reason.NOT_UTF8, "at byte 0"))], KEY, [], {}))
    assert (record.topic, record.key, record.value) == ("rejected_user_session", None, b"\xff\x00")
    assert dict(record.headers or []) == {
        "reason": b"not_utf8",
        "detail": b"at byte 0",
        "raw_partition": b"1",
        "raw_offset": b"42",
        "arrived_at_ms": b"1234",
    }


def test_beyond_the_horizon_says_by_which_in_a_header_of_its_own() -> None:
    raw = Raw(1, 42, 1_234, b"u", b"{}")
    (record,) = records(Decision([Rejected(raw, refusal("live", 86_400_000))], KEY, [], {}))
    assert dict(record.headers or []) == {
        "reason": b"beyond_horizon",
        "detail": b"eventTimeMs more than 86400000 ms before arrival",
        "raw_partition": b"1",
        "raw_offset": b"42",
        "arrived_at_ms": b"1234",
        "horizon_ms": b"86400000",
    }


def test_extractions_due_come_last() -> None:
    raw = Raw(0, 1, 2, b"k", b"v")
    refused = Rejected(raw, Rejection(Reason.DUPLICATE, "userId and sessionId"))
    *_, last = records(Decision([refused], KEY, [ExtractionDue(0, 1, 2, 5_000)], {}))
    assert last.topic == "extraction_due"
    assert last.value == b'{"rawPartition":0,"rawOffset":1,"arrivedAtMs":2,"sessions":5000}'
