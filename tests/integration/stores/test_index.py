"""The Elasticsearch stage: the newest version of each document, whatever happens to it."""

from typing import Any

import msgspec
from support.pipeline import Pipeline, Stages
from support.records import text_headers
from waiting import HUNG_S, until

from streaming.contract import topics
from streaming.kafka import clients
from streaming.settings import ElasticsearchSettings, KafkaSettings
from streaming.sinks.elasticsearch.documents import DOCUMENTS
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.elasticsearch.sink import ElasticsearchSink
from streaming.summaries.documents import documents
from streaming.summaries.product import window
from streaming.words.lists import Words

Found = dict[str, dict[str, Any]]
WORDS = Words()


class Load:
    """Has so many sessions sent, judged and summarised at each call, other ones each time."""

    def __init__(self, pipeline: Pipeline, sessions: int) -> None:
        self._pipeline, self._sessions, self._seed = pipeline, sessions, 0

    def __call__(self) -> None:
        self._seed += 1
        self._pipeline.send(self._sessions, self._seed)
        self._pipeline.judge()
        self._pipeline.summarise()


def expected(pipeline: Pipeline) -> dict[str, Found]:
    sessions = pipeline.valid()
    found: dict[str, Found] = {index: {} for index in topics.INDEXED}
    for session in sessions:
        for index, id_, document in documents(session, WORDS):
            found[index][id_] = msgspec.to_builtins(document)
    found[topics.PRODUCT_ACTIVITY] = {id_: msgspec.to_builtins(a) for id_, a in window(sessions).items()}
    return found


def held(settings: ElasticsearchSettings) -> dict[str, Found]:
    index = ElasticsearchIndex(settings)
    for name in topics.INDEXED:
        index.refresh(name)
    return {name: dict(index.scan(name)) for name in topics.INDEXED}


def test_every_document_is_found_and_the_newest_figures_stand(
    pipeline: Pipeline, stages: Stages, elasticsearch: ElasticsearchSettings
) -> None:
    for seed in (1, 2, 3):
        pipeline.send(200, seed)
        pipeline.judge()
        pipeline.summarise()
    index = stages.start("index")
    pipeline.drain("index", *topics.INDEXED)
    assert stages.stop(index) == 0
    assert held(elasticsearch) == expected(pipeline)


def test_killed_in_the_middle_it_loses_nothing_and_replayed_it_changes_nothing(
    pipeline: Pipeline, stages: Stages, elasticsearch: ElasticsearchSettings, kafka: KafkaSettings
) -> None:
    load = Load(pipeline, 4_000)
    load()
    documents_index = ElasticsearchIndex(elasticsearch)
    documents_index.prepare(topics.SESSION_SUMMARIES, DOCUMENTS[topics.SESSION_SUMMARIES])

    def begun() -> bool:
        documents_index.refresh(topics.SESSION_SUMMARIES)
        return documents_index.count(topics.SESSION_SUMMARIES) > 0

    index = stages.start("index", VITRINE_INDEX_BATCH_SIZE="50")
    until(begun, "the first documents")
    stages.kill_at_work(index, lambda: pipeline.lag("index", *topics.INDEXED) >= 1_000, load)
    index = stages.start("index")
    pipeline.drain("index", *topics.INDEXED)
    assert stages.stop(index) == 0
    once = held(elasticsearch)
    assert once == expected(pipeline)

    # A whole topic again, and an old part of it late: by hand, without a commit.
    indexing = ElasticsearchSink(kafka, documents_index, clients.producer(kafka))
    records = [message for name in topics.INDEXED for message in clients.read_all(kafka, name)]
    indexing.write(indexing.read(records))
    indexing.write(indexing.read(records[: len(records) // 3]))
    assert held(elasticsearch) == once


def test_two_share_the_work_and_one_joins_and_one_dies_amid_it(
    pipeline: Pipeline, stages: Stages, elasticsearch: ElasticsearchSettings
) -> None:
    load = Load(pipeline, 3_000)
    load()
    whole = pipeline.lag("index", *topics.INDEXED)
    one = stages.start("index", VITRINE_INDEX_BATCH_SIZE="50")
    until(lambda: pipeline.lag("index", *topics.INDEXED) < whole, "some progress")
    two = stages.start("index", VITRINE_INDEX_BATCH_SIZE="50")
    until(lambda: pipeline.members("index") == 2, "a share for each")
    stages.kill_at_work(one, lambda: pipeline.lag("index", *topics.INDEXED) > 0, load)
    pipeline.drain("index", *topics.INDEXED)
    assert stages.stop(two) == 0
    assert held(elasticsearch) == expected(pipeline)


def test_what_elasticsearch_refuses_is_put_aside_and_counted(
    pipeline: Pipeline, stages: Stages, elasticsearch: ElasticsearchSettings, kafka: KafkaSettings
) -> None:
    pipeline.send(50)
    pipeline.judge()
    pipeline.summarise()
    sender = clients.producer(kafka)
    bad = [
        (b"no number", b'{"sessionPseudonym": "x", "eventTimeMs": 1, "clicks": "many"}'),
        (b"no field of ours", b'{"sessionPseudonym": "x", "eventTimeMs": 1, "name": "somebody"}'),
        (b"no time", b'{"sessionPseudonym": "x"}'),
        (b"no document", b"\x00\xff"),
        (b"two lines", b'{"eventTimeMs":\n1}'),
        (None, b"{}"),
        (b"\xff", b"{}"),
        (b"a tombstone", None),
        (b"x" * 600, b'{"sessionPseudonym": "x", "eventTimeMs": 1}'),
    ]
    for key, value in bad:
        sender.produce(clients.name(kafka, topics.SESSION_SUMMARIES), value, key)
    assert sender.flush(HUNG_S) == 0
    pipeline.send(50, seed=2)
    pipeline.judge()
    pipeline.summarise()
    index = stages.start("index")
    pipeline.drain("index", *topics.INDEXED)
    assert stages.stop(index) == 0
    assert held(elasticsearch) == expected(pipeline)
    aside = list(clients.read_all(kafka, topics.REFUSED_DOCUMENTS))
    assert sorted((m.key() or b"", m.value() or b"") for m in aside) == sorted(
        (k or b"", v or b"") for k, v in bad
    )
    for message in aside:
        headers = text_headers(message.headers())
        assert headers[topics.HEADER_TOPIC] == topics.SESSION_SUMMARIES
        assert headers[topics.HEADER_REASON]
        assert headers[topics.HEADER_OFFSET].isdigit()


def test_without_elasticsearch_it_waits_and_stops_when_told(pipeline: Pipeline, stages: Stages) -> None:
    pipeline.send(20)
    pipeline.judge()
    pipeline.summarise()
    index = stages.start("index", VITRINE_ELASTICSEARCH_URL="http://127.0.0.1:1")
    until(lambda: stages.said("store_away"), "a word on the store that is away")
    assert stages.stop(index) == 0
    assert pipeline.lag("index", topics.SESSION_SUMMARIES) > 0
