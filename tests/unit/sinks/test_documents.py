"""A valid session as MongoDB keeps it."""

import msgspec
import pytest
from support.sessions import PSEUDONYMS, known_as

from streaming.contract.parsing import parse
from streaming.contract.session import Session
from streaming.contract.valid_session import admit, encode
from streaming.simulate.settings import TrafficSettings
from streaming.simulate.traffic import traffic
from streaming.sinks.mongo.documents import document


def test_the_document_is_the_message_under_its_pseudonym() -> None:
    for message in traffic(TrafficSettings(sessions=50)):
        session = parse(message.value, 2**42)
        if isinstance(session, Session):
            value = encode(
                admit(
                    session,
                    PSEUDONYMS,
                    user_kind="new",
                    late=False,
                    raw_partition=1,
                    raw_offset=2,
                    arrived_at_ms=3,
                )
            )
            made = document(value, PSEUDONYMS)
            assert made == {"_id": known_as(session), **msgspec.json.decode(value)}
            assert made["identity"]["userId"] == session.user_id


def test_bytes_that_no_gate_wrote_are_no_document() -> None:
    with pytest.raises(msgspec.DecodeError):
        document(b'{"sessionId": "x"}', PSEUDONYMS)
