"""What an earlier release left in the stores and in the log is brought into the form of this one."""

from argparse import Namespace
from typing import Any

import msgspec
import pytest
from support.pipeline import Pipeline, Stages
from support.sessions import PSEUDONYMS, earlier_message
from waiting import HUNG_S

from streaming.contract import topics
from streaming.contract.months import month_of
from streaming.contract.valid_session import StoredSession
from streaming.kafka import clients
from streaming.migrate import command
from streaming.migrate.documents import OF_SESSIONS
from streaming.process.exit_code import ExitCode
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.documents import document
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.sinks.port import Write
from streaming.stores import Document
from streaming.summaries.documents import documents
from streaming.words.lists import Words

WORDS = Words()


class FormerDocument(msgspec.Struct, rename="camel", kw_only=True):
    """What an index of an earlier release had of a session, as far as it matters here."""

    session_id: str
    user_id: str
    city: str


def earlier_document(of: StoredSession) -> Document:
    return {"_id": of.identity.session_id, **msgspec.json.decode(earlier_message(of))}


def test_stores_of_an_earlier_release_are_migrated(
    pipeline: Pipeline,
    stages: Stages,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pipeline.send(300)
    pipeline.judge()
    sessions = pipeline.valid()
    store, index = MongoSessions(mongo), ElasticsearchIndex(elasticsearch)
    for name in OF_SESSIONS:
        index.prepare(name, FormerDocument)
        index.put(
            [
                Write(
                    name,
                    f"of {one.raw_partition} {one.raw_offset}",
                    1,
                    former(one),
                    month_of(one.event_time_ms),
                )
                for one in sessions
            ]
        )
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as impatient:
        impatient.setattr(command, "STORED_PATIENCE_S", 0.0)
        assert command.run(Namespace(json=True)) == ExitCode.UNAVAILABLE  # no store runs: nothing is dropped
    capsys.readouterr()
    for name in OF_SESSIONS:
        index.refresh(name)
        assert index.count(name) == len(sessions)

    store.insert([earlier_document(one) for one in sessions])
    stages.start("store")
    for made in (len(sessions), 0):
        assert command.run(Namespace(json=True)) == 0
        told: dict[str, Any] = msgspec.json.decode(capsys.readouterr().out)
        assert (told["sessions"], told["unreadable"]) == (made, 0)
        held = {one["_id"]: one for one in store.scan()}
        assert held == {
            one.session_pseudonym: {"_id": one.session_pseudonym, **msgspec.to_builtins(one)}
            for one in sessions
        }
        for name in OF_SESSIONS:
            index.refresh(name)
            assert dict(index.scan(name)) == {
                id_: msgspec.to_builtins(body)
                for one in sessions
                for topic, id_, body in documents(one, WORDS)
                if topic == name
            }


def former(of: StoredSession) -> bytes:
    who = of.identity
    return msgspec.json.encode(FormerDocument(session_id=who.session_id, user_id=who.user_id, city=of.city))


def test_the_store_reads_messages_of_an_earlier_gate(
    pipeline: Pipeline, stages: Stages, kafka: KafkaSettings, mongo: MongoSettings
) -> None:
    pipeline.send(50)
    pipeline.judge()
    sessions = pipeline.valid()
    sender = clients.producer(kafka)
    for one in sessions:
        earlier = msgspec.structs.replace(one.identity, session_id=f"{one.identity.session_id}-earlier")
        value = earlier_message(msgspec.structs.replace(one, identity=earlier))
        sender.produce(clients.name(kafka, topics.VALID), value, one.identity.user_id.encode())
    assert sender.flush(HUNG_S) == 0
    stages.start("store")
    pipeline.drain("store", topics.VALID)
    held = {one["_id"]: one for one in MongoSessions(mongo).scan()}
    assert len(held) == 2 * len(sessions)
    for message in clients.read_all(kafka, topics.VALID):
        made = document(message.value() or b"", PSEUDONYMS)
        assert held[made["_id"]] == made
    assert DOCUMENTS.keys() >= set(OF_SESSIONS)
