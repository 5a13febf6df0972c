"""What is told of a person is theirs: of messages of others that name them, only which they are."""

import json
from collections.abc import Iterator

import pytest
from support.sessions import PSEUDONYMS, valid_session

from streaming.contract import topics
from streaming.contract.valid_session import encode
from streaming.kafka import clients
from streaming.person import kept
from streaming.person.places import DEAD_LETTERS, RAW, REJECTED, VALID
from streaming.person.traces import Persons, Traces
from streaming.rewriting import log
from streaming.rewriting.change import Logged
from streaming.settings import KafkaSettings

USER = PSEUDONYMS.user("u1")
EMAIL = "ada@example.org"
SHARED = json.dumps({"userId": "u2", "email": EMAIL, "name": "Somebody Else"}).encode()
OWN = json.dumps({"userId": "u1", "email": EMAIL}).encode()


def named(*headers: tuple[str, str]) -> list[tuple[str, str | bytes | None]]:
    return [(name, value.encode()) for name, value in headers]


@pytest.fixture
def topics_have(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Logged]]:
    found: dict[str, list[Logged]] = {}

    def read(settings: object, topic: str, until: object = None) -> Iterator[Logged]:
        return iter(found.get(topic, []))

    class Nobody:
        def of_user(self, *_: object) -> list[object]:
            return []

    monkeypatch.setattr(log, "read", read)
    monkeypatch.setattr(kept, "MongoSessions", lambda settings: Nobody())
    return found


def test_a_message_of_somebody_else_is_told_without_content(topics_have: dict[str, list[Logged]]) -> None:
    of_raw = named(
        (topics.HEADER_RAW_PARTITION, "0"),
        (topics.HEADER_RAW_OFFSET, "7"),
        (topics.HEADER_REASON, "negative"),
    )
    of_topic = named(
        (topics.HEADER_PARTITION, "1"), (topics.HEADER_OFFSET, "8"), (topics.HEADER_REASON, "no_session")
    )
    for topic, headers in ((topics.REJECTED, of_raw), (topics.REFUSED_DOCUMENTS, of_topic)):
        topics_have[topic] = [Logged(0, b"k", SHARED, headers), Logged(0, b"k", OWN, headers)]
    persons = Persons(PSEUDONYMS, {USER: Traces(frozenset({"u1", EMAIL}))})
    places = kept.kept(KafkaSettings(), PSEUDONYMS, persons)
    for place, position in ((REJECTED, "0:7"), (DEAD_LETTERS, "1:8")):
        others, own = list(places[place]())
        assert others["position"] == own["position"] == position
        assert "Somebody" not in json.dumps(others)
        assert json.loads(own["value"])["userId"] == "u1"


class Message:
    """As a client gives it."""

    def __init__(self, key: bytes, value: bytes) -> None:
        self.key, self.value = lambda: key, lambda: value
        self.partition, self.offset, self.timestamp = lambda: 0, lambda: 1, lambda: (1, 2)


def test_whose_a_raw_message_is_its_user_id_says_and_otherwise_its_key(
    topics_have: dict[str, list[Logged]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = [
        Message(b"u1", b"no JSON"),
        Message(b"u1", SHARED),
        Message(b"u2", OWN),
        Message(b"u2", b"no JSON"),
        Message(b"u1", b'{"userId":"\\ud83d"}'),
        Message(b"u1", b'{"userId":""}'),
    ]
    monkeypatch.setattr(clients, "read_all", lambda settings, topic: iter(sent))
    persons = Persons(PSEUDONYMS, {USER: Traces()})
    told = list(kept.kept(KafkaSettings(), PSEUDONYMS, persons)[RAW]())
    assert [one["value"] for one in told] == [
        "no JSON",
        OWN.decode(),
        '{"userId":"\\ud83d"}',
        '{"userId":""}',
    ]


def test_what_no_gate_wrote_says_nothing_of_a_person(topics_have: dict[str, list[Logged]]) -> None:
    fields = json.loads(encode(valid_session(user_id="u1")))
    del fields["identity"]
    topics_have[topics.VALID] = [
        Logged(0, b"k", json.dumps(fields, separators=(",", ":")).encode()),
        Logged(0, b"k", encode(valid_session(user_id="u1", email="x@y.example"))),
    ]
    persons = kept.known(KafkaSettings(), PSEUDONYMS, {USER: None})
    assert persons.traces(USER).found_by == {"u1", "x@y.example"}
    assert len(list(kept.kept(KafkaSettings(), PSEUDONYMS, persons)[VALID]())) == 2
