"""What is saved of the real stores comes back as it was, and in the place of what came since."""

import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from bson.int64 import Int64
from pymongo.database import Database
from waiting import until

from stack.backup import log_positions
from stack.backup.index_part import IndexPart
from stack.backup.mongo_part import MongoPart
from stack.backup.part import Part
from streaming.contract import topics
from streaming.contract.months import begin_ms
from streaming.contract.topology import GATE, INDEX, STORE
from streaming.kafka import clients, offsets
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.newest import dated
from streaming.sinks.mongo.sessions import PAGE, SYNCED, MongoSessions, client
from streaming.sinks.port import Write

SECRET_NAMES = ("privacy_budget", "privacy_record")


def quiet(state: str) -> None: ...


def saved(part: Part) -> io.BytesIO:
    out = io.BytesIO()
    assert part.save(out, quiet) == []
    return io.BytesIO(out.getvalue())


@pytest.fixture
def database(mongo: MongoSettings) -> Database[Any]:
    return client(mongo)[mongo.database]


@pytest.fixture
def part(database: Database[Any]) -> MongoPart:
    return MongoPart("mongodb", database, lambda name: name not in SECRET_NAMES)


def held(database: Database[Any]) -> dict[str, list[dict[str, Any]]]:
    """All documents by collection, but the mark of the newest write."""
    return {
        name: sorted(database[name].find(), key=lambda one: str(one["_id"]))
        for name in sorted(database.list_collection_names())
        if name != SYNCED
    }


def test_every_collection_comes_back_with_types_and_indexes(
    mongo: MongoSettings, database: Database[Any], part: MongoPart
) -> None:
    MongoSessions(mongo).prepare()
    many = [
        {"_id": f"s{at:06d}", "arrivedAtMs": 1_764_000_000_000 + at, "price": at / 7, "tags": ["a", None]}
        for at in range(2 * PAGE + 3)
    ]
    database["sessions"].insert_many(many)
    odd = [
        {"_id": 7, "long": Int64(5), "at": datetime(2026, 11, 30, tzinfo=UTC), "bytes": b"\x00\xff"},
        {"_id": "ü", "nested": {"deep": [{"x": 1.5}, {}]}, "none": None, "flag": True, "big": 2**62},
    ]
    database["model_runs"].insert_many(odd)
    database["model_runs"].create_index([("flag", 1), ("none", -1)], unique=True, name="both")
    stream, before = saved(part), held(database)
    indexes = {name: database[name].index_information() for name in before}

    database["sessions"].delete_many({"_id": {"$in": ["s000001", "s000002"]}})
    database["sessions"].insert_one({"_id": "since"})
    database["model_runs"].drop()
    database["made_since"].insert_one({"_id": 1})
    for _ in range(2):  # the second time as after a restore that was killed
        stream.seek(0)
        part.restore(stream, quiet)
        assert held(database) == before
        assert {name: database[name].index_information() for name in before} == indexes


def test_a_lost_database_comes_back_and_collections_of_others_stay(
    database: Database[Any], part: MongoPart
) -> None:
    database["sessions"].insert_many([{"_id": "a"}, {"_id": "b"}])
    database["privacy_budget"].insert_one({"_id": "sessions", "version": 1})
    assert "2 documents of sessions" in part.present()
    stream = saved(part)
    database["privacy_budget"].replace_one({"_id": "sessions"}, {"version": 2})
    database["sessions"].drop()
    assert part.present() == ""
    part.restore(stream, quiet)
    assert held(database) == {
        "privacy_budget": [{"_id": "sessions", "version": 2}],
        "sessions": [{"_id": "a"}, {"_id": "b"}],
    }


def a_write(index: str, id_: str, version: int, views: int, month: str) -> Write:
    """Returns a document with every field that the index has: its time is in `month`, and numbers are
    `views`."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(DOCUMENTS[index]):
        kind = str(field.type)
        values[field.encode_name] = (
            [] if "list" in kind or "tuple" in kind
            else views if "int" in kind
            else views / 4 if "float" in kind
            else False if "bool" in kind
            else "word"
        )  # fmt: skip
    for name in values.keys() & {"eventTimeMs", "windowStartMs"}:
        values[name] = begin_ms(month)
    made = dated(index, id_, version, msgspec.json.encode(values))
    assert made is not None
    return made


def test_documents_come_back_where_there_is_no_newer_one(elasticsearch: ElasticsearchSettings) -> None:
    index = ElasticsearchIndex(elasticsearch)
    part = IndexPart("elasticsearch", index)
    version, months = (1 << 62) + 5, {"kept": "2026-10", "lost": "2026-11", "newer": "2026-10"}
    for name, document in DOCUMENTS.items():
        index.prepare(name, document)
        assert index.put([a_write(name, id_, version, 3, month) for id_, month in months.items()]) == []
    stream, before = saved(part), {name: dict(index.scan(name)) for name in DOCUMENTS}
    for name, document in DOCUMENTS.items():
        for month in index.months(name):
            index.drop(name, month)
        index.prepare(name, document)
        moved = "2026-10" if name == topics.PRODUCT_ACTIVITY else "2026-12"
        index.put([a_write(name, "newer", version + 1, 4, moved)])
    part.restore(stream, quiet)
    for name in DOCUMENTS:
        index.refresh(name)
        assert index.count(name) == len(months)
        after = dict(index.scan(name))
        newer = after.pop("newer")
        assert after == {"kept": before[name]["kept"], "lost": before[name]["lost"]}
        assert newer != before[name]["newer"]
    # What comes from the log afterwards has the versions that it had: equal ones are written again.
    name = next(iter(DOCUMENTS))
    index.put([a_write(name, "kept", version - 1, 1, months["kept"])])
    index.refresh(name)
    assert dict(index.scan(name))["kept"] == before[name]["kept"]


def send(kafka: KafkaSettings, topic: str, count: int) -> None:
    producer = clients.producer(kafka)
    for at in range(count):
        producer.produce(clients.name(kafka, topic), b"x", partition=at % 2)
    producer.flush()


def commit(kafka: KafkaSettings, group: str, topic: str, at: dict[int, int]) -> None:
    from confluent_kafka import TopicPartition

    member = clients.looking_consumer(kafka, group)
    full = clients.name(kafka, topic)
    member.commit(offsets=[TopicPartition(full, *one) for one in at.items()], asynchronous=False)
    member.close()


def test_sinks_continue_where_their_stores_were_saved_and_the_gate_where_it_is(kafka: KafkaSettings) -> None:
    clients.ensure_topics(kafka)
    for topic in (topics.RAW, topics.VALID, *topics.INDEXED):
        send(kafka, topic, 20)
    commit(kafka, STORE.group, topics.VALID, {0: 3, 1: 4})
    commit(kafka, INDEX.group, topics.SESSION_SUMMARIES, {0: 5})
    commit(kafka, GATE.group, topics.RAW, {0: 6, 1: 6})
    positions = log_positions.now(kafka)
    commit(kafka, STORE.group, topics.VALID, {0: 10, 1: 10})
    commit(kafka, INDEX.group, topics.SESSION_SUMMARIES, {0: 10, 1: 10})
    commit(kafka, GATE.group, topics.RAW, {0: 9, 1: 9})

    assert log_positions.is_same_log(kafka, positions)
    assert log_positions.continue_from(kafka, positions, quiet) == {}
    assert offsets.committed(kafka, STORE.group, topics.VALID) == {0: 3, 1: 4}
    assert offsets.committed(kafka, INDEX.group, topics.SESSION_SUMMARIES) == {0: 5, 1: 0}
    assert offsets.committed(kafka, GATE.group, topics.RAW) == {0: 9, 1: 9}


def test_a_sink_that_was_killed_with_its_machine_is_waited_for(kafka: KafkaSettings) -> None:
    clients.ensure_topics(kafka)
    send(kafka, topics.VALID, 20)
    commit(kafka, STORE.group, topics.VALID, {0: 3, 1: 4})
    positions = log_positions.now(kafka)
    member = clients.consumer(kafka, STORE.group)
    member.subscribe([clients.name(kafka, topics.VALID)])
    until(lambda: member.poll(0.1) is not None, "a member of the group")
    told: list[str] = []

    def tell(state: str) -> None:
        told.append(state)
        if state.startswith("waits"):
            member.close()

    log_positions.continue_from(kafka, positions, tell)
    assert told[0] == f"waits until no process is a member of {clients.name(kafka, STORE.group)} …"
    assert offsets.committed(kafka, STORE.group, topics.VALID) == {0: 3, 1: 4}


def test_what_retention_has_deleted_since_is_counted(kafka: KafkaSettings) -> None:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    clients.ensure_topics(kafka)
    send(kafka, topics.VALID, 20)
    commit(kafka, STORE.group, topics.VALID, {0: 3, 1: 4})
    positions = log_positions.now(kafka)
    admin = AdminClient(clients.properties(kafka))
    full = clients.name(kafka, topics.VALID)
    answers = admin.delete_records([TopicPartition(full, 0, 8), TopicPartition(full, 1, 2)])
    for answer in answers.values():
        answer.result(30)
    assert log_positions.continue_from(kafka, positions, quiet) == {topics.VALID: 5}
    assert offsets.committed(kafka, STORE.group, topics.VALID) == {0: 8, 1: 4}


def test_in_another_log_the_sinks_begin_at_its_beginning(kafka: KafkaSettings) -> None:
    clients.ensure_topics(kafka)
    send(kafka, topics.VALID, 20)
    commit(kafka, STORE.group, topics.VALID, {0: 3, 1: 4})
    positions = msgspec.structs.replace(log_positions.now(kafka), identity="another cluster")
    assert not log_positions.is_same_log(kafka, positions)
    log_positions.continue_from(kafka, positions, quiet)
    assert offsets.committed(kafka, STORE.group, topics.VALID) == {0: 0, 1: 0}
