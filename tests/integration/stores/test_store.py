"""The MongoDB stage keeps each valid session once, whatever happens to it."""

import itertools
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import psutil
import pytest
from support.pipeline import Pipeline, Stages
from waiting import HUNG_S, free_port, until

from streaming.contract import topics
from streaming.kafka import clients
from streaming.settings import KafkaSettings, MongoSettings
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.stores import Document, StoreUnavailable


def expected(pipeline: Pipeline) -> dict[str, Document]:
    return {
        s.session_pseudonym: {"_id": s.session_pseudonym, **msgspec.to_builtins(s)} for s in pipeline.valid()
    }


def stored(mongo: MongoSettings) -> dict[str, Document]:
    return {document["_id"]: document for document in MongoSessions(mongo).scan()}


def test_every_valid_session_is_stored_as_it_is(
    pipeline: Pipeline, stages: Stages, mongo: MongoSettings
) -> None:
    pipeline.send(300)
    pipeline.judge()
    store = stages.start("store")
    pipeline.drain("store", topics.VALID)
    assert stages.stop(store) == 0
    assert stored(mongo) == expected(pipeline) != {}


def test_with_another_key_of_pseudonyms_it_does_not_go_on(
    pipeline: Pipeline, stages: Stages, mongo: MongoSettings
) -> None:
    pipeline.send(50)
    pipeline.judge()
    other = "another key than the one that was lost"
    assert stages.start("store", VITRINE_PSEUDONYM_KEY=other).wait(HUNG_S) == 1
    assert stages.said("other_pseudonym_key")
    assert stored(mongo) == {}
    store = stages.start("store")
    pipeline.drain("store", topics.VALID)
    assert stages.stop(store) == 0
    assert stored(mongo) == expected(pipeline) != {}


def test_killed_in_the_middle_and_replayed_it_loses_and_doubles_nothing(
    pipeline: Pipeline, stages: Stages, mongo: MongoSettings
) -> None:
    seeds = itertools.count(1)

    def load() -> None:
        pipeline.send(5_000, next(seeds))
        pipeline.judge()

    load()
    sessions = MongoSessions(mongo)

    def more_than(before: int) -> bool:
        return sessions.estimated_count() > before

    for _ in range(3):
        before = sessions.estimated_count()
        store = stages.start("store", VITRINE_STORE_BATCH_SIZE="50")
        until(partial(more_than, before), "some progress")
        stages.kill_at_work(store, lambda: pipeline.lag("store", topics.VALID) >= 1_000, load)
    store = stages.start("store")
    pipeline.drain("store", topics.VALID)
    assert stages.stop(store) == 0
    assert stored(mongo) == expected(pipeline)


def test_what_is_no_session_is_put_aside_as_it_came(
    pipeline: Pipeline, stages: Stages, kafka: KafkaSettings, mongo: MongoSettings
) -> None:
    poison = [b"", b"no session", b"\xff", b'{"sessionId": 1}', b"[" * 100_000, b"x" * 1_500_000]
    sender = clients.producer(kafka)
    pipeline.send(100)
    pipeline.judge()
    wanted = expected(pipeline)
    for value in poison:
        sender.produce(clients.name(kafka, topics.VALID), value, b"a foreigner's")
    assert sender.flush(HUNG_S) == 0
    store = stages.start("store")
    pipeline.drain("store", topics.VALID)
    assert stages.stop(store) == 0
    assert stored(mongo) == wanted
    aside = list(clients.read_all(kafka, topics.REFUSED_DOCUMENTS))
    assert sorted(message.value() or b"" for message in aside) == sorted(poison)
    assert {dict(message.headers() or [])[topics.HEADER_REASON] for message in aside} == {b"no_session"}


def test_two_share_the_work_and_one_joins_and_one_dies_amid_it(
    pipeline: Pipeline, stages: Stages, mongo: MongoSettings
) -> None:
    seeds = itertools.count(1)

    def load() -> None:
        pipeline.send(3_000, next(seeds))
        pipeline.judge()

    load()
    one = stages.start("store", VITRINE_STORE_BATCH_SIZE="20")
    until(lambda: MongoSessions(mongo).estimated_count() > 100, "some progress")
    two = stages.start("store", VITRINE_STORE_BATCH_SIZE="20")
    until(lambda: pipeline.members("store") == 2, "a share for each")
    stages.kill_at_work(one, lambda: pipeline.lag("store", topics.VALID) > 0, load)
    pipeline.drain("store", topics.VALID)
    assert stages.stop(two) == 0
    assert stored(mongo) == expected(pipeline)


class OwnServer:
    """An embedded MongoDB server of the test's own, to be taken away."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.settings = MongoSettings(MONGO_URI=f"mongodb://127.0.0.1:{self.port}", database="vitrine")

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                Path(sys.executable).with_name("nx-27017"),
                *("--port", str(self.port), "--data-dir", self._folder / "data"),
                *("--log-file", self._folder / "log", "--pid-file", self._folder / "pid"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(HUNG_S)

    def answers(self) -> bool:
        try:
            MongoSessions(self.settings).estimated_count()
        except StoreUnavailable:
            return False
        return True


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnServer]:
    server = OwnServer(tmp_path)
    server.start()
    yield server
    server.kill()


def test_without_mongodb_it_waits_with_flat_memory_and_goes_on_by_itself(
    pipeline: Pipeline, stages: Stages, own_server: OwnServer
) -> None:
    until(own_server.answers, "an answer of MongoDB")
    store = stages.start(
        "store",
        MONGO_URI=f"mongodb://127.0.0.1:{own_server.port}",
        VITRINE_MONGO_DATABASE="vitrine",
        VITRINE_STORE_BATCH_SIZE="100",
    )
    pipeline.send(500)
    pipeline.judge()
    until(lambda: MongoSessions(own_server.settings).estimated_count() > 0, "some progress")
    own_server.kill()
    pipeline.send(5_000, seed=2)
    pipeline.judge()
    lag = pipeline.lag("store", topics.VALID)
    assert lag >= 4_000
    until(lambda: stages.said("store_away"), "a word on the store that is away")
    assert store.poll() is None
    assert psutil.Process(store.pid).memory_info().rss < 200 * 2**20
    own_server.start()
    pipeline.drain("store", topics.VALID)
    assert stages.stop(store) == 0
    assert {d["_id"]: d for d in MongoSessions(own_server.settings).scan()} == expected(pipeline)


@pytest.mark.parametrize("seed", range(5))
def test_what_insert_has_returned_from_survives_kill_9_of_the_server(
    own_server: OwnServer, seed: int
) -> None:
    until(own_server.answers, "the server's answer")
    after_batches = random.Random(seed).randrange(1, 12)
    safe: list[str] = []
    enough = threading.Event()

    def insert() -> None:
        sessions = MongoSessions(own_server.settings)
        try:
            for batch in itertools.count():
                ids = [f"{batch:04}-{n}" for n in range(100)]
                sessions.insert([{"_id": id_, "sessionPseudonym": id_, "text": "x" * 1000} for id_ in ids])
                safe.extend(ids)
                if batch == after_batches:
                    enough.set()
        except StoreUnavailable:
            enough.set()

    writer = threading.Thread(target=insert)
    writer.start()
    assert enough.wait(HUNG_S)
    time.sleep(random.Random(seed).random() / 10)  # into the middle of a batch after it
    own_server.kill()
    writer.join(HUNG_S)
    assert len(safe) >= 100 * after_batches
    own_server.start()
    until(own_server.answers, "the server's answer")
    assert set(safe) <= {document["_id"] for document in MongoSessions(own_server.settings).scan()}


def test_it_stops_when_told_though_mongodb_is_away(pipeline: Pipeline, stages: Stages) -> None:
    pipeline.send(10)
    pipeline.judge()
    store = stages.start("store", MONGO_URI="mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300")
    until(lambda: stages.said("store_away"), "a word on the store that is away")
    assert stages.stop(store) == 0
    assert pipeline.lag("store", topics.VALID) > 0
