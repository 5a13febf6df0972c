"""`./vitrine person erase` on the real components, but for the supervisor: the test stops and starts the
stages, and stands in for Flink. A person is planted in every store, erased, and is nowhere any more, whatever
is rebuilt and sent again; the rest agrees."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymongo import MongoClient
from support.pipeline import Pipeline, Stages
from support.sessions import PSEUDONYMS, session_with
from support.traces import of_elasticsearch, of_files, of_kafka, of_mongodb, of_redis, places_of
from waiting import HUNG_S

from ml.features.session_row import COLUMNS, session_row
from streaming.contract import topics
from streaming.contract.period import Window
from streaming.contract.session import Review
from streaming.contract.valid_session import sent
from streaming.data_folder.layout import DataLayout
from streaming.extraction import parquet, windows
from streaming.kafka import clients
from streaming.person.erasure_list import ErasureList
from streaming.person.run import erase, erase_again
from streaming.reconcile.command import run as reconcile
from streaming.reconcile.recompute import run as recompute
from streaming.replay.command import run as replay
from streaming.replay.rejected_command import run as rejected
from streaming.settings import (
    ElasticsearchSettings,
    KafkaSettings,
    MongoSettings,
    RedisSettings,
)
from streaming.sinks.mongo.sessions import MongoSessions

STAGES = ("gate", "store", "index")
ID, NAME, EMAIL = "quixotry.jazzwork@mail.example", "Quixotry Jazzwork", "qjazzwork@home.example"
USER = PSEUDONYMS.user(ID)
WORDS = (ID, NAME, EMAIL, USER)
BOUGHT = ("p", "Chair", 2.5, "chairs", "purchase")
ENGRAVED = ("engraved", f"for {NAME}", 4.0, "gifts", "purchase")


class Shop:
    """Sends to the raw topic."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka, self._now_ms = kafka, time.time_ns() // 1_000_000

    def session(self, user: str, number: int, **more: Any) -> bytes:
        told = {"name": NAME, "email": EMAIL} if user == ID else {"name": user, "email": ""}
        interactions = (BOUGHT, ENGRAVED) if user == ID else (BOUGHT,)
        reviews = [Review(product_id="p", rating=5, text=f"Good, says {user}", sentiment="positive")]
        one = session_with(
            *interactions,
            user_id=user,
            session_id=f"{user}-{number}",
            event_time_ms=self._now_ms,
            reviews=reviews,
            **told,
            **more,
        )
        return msgspec.json.encode(sent(one))

    def send(self, *messages: tuple[bytes | None, bytes]) -> None:
        sender = clients.producer(self._kafka)
        for key, value in messages:
            sender.produce(clients.name(self._kafka, topics.RAW), value, key)
        assert sender.flush(HUNG_S) == 0


@pytest.fixture
def data(tmp_path: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch) -> DataLayout:
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    return DataLayout(tmp_path / "data")


def fill_files(data: DataLayout, store: MongoSessions, mongo: MongoSettings) -> None:
    """What the DAGs make of the sessions."""
    documents = [one for one in store.scan() if "erased" not in one]
    data.extract.mkdir(parents=True, exist_ok=True)
    window = Window(0, time.time_ns() // 1_000_000)
    if not (data.extract / windows.file_name(window)).exists() and not parquet.extracted(data.extract):
        parquet.write(data.extract, window, [documents], session_row, COLUMNS)
    users = sorted({one["userPseudonym"] for one in documents})
    near = {user: [{"userPseudonym": one, "jaccard": 1.0} for one in users if one != user] for user in users}
    rows = [{"_id": user, "neighbours": near[user]} for user in users]
    data.similar_users.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    client: MongoClient[dict[str, Any]]
    with MongoClient(mongo.uri.get_secret_value()) as client:
        similar: Any = client[mongo.database]["similar_users"]
        similar.delete_many({})
        similar.insert_many(rows)
    (data.trusted / "run").mkdir(parents=True)
    (data.trusted / "run" / "trusted.json").write_text(json.dumps({"whose": users}))


def test_nothing_of_an_erased_person_is_left_anywhere_and_the_rest_agrees(
    pipeline: Pipeline,
    stages: Stages,
    kafka: KafkaSettings,
    mongo: MongoSettings,
    redis: RedisSettings,
    elasticsearch: ElasticsearchSettings,
    data: DataLayout,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def reconciled() -> dict[str, Any]:
        capsys.readouterr()
        code = reconcile(as_json=True, timeout_s=HUNG_S)
        printed = capsys.readouterr()
        assert code == 0, printed.err
        assert recompute(as_json=True, timeout_s=HUNG_S) == 0
        found: dict[str, Any] = json.loads(printed.out)
        return found

    def found() -> set[str]:
        return places_of(
            WORDS,
            of_kafka(kafka),
            of_mongodb(mongo),
            of_elasticsearch(elasticsearch),
            of_redis(redis),
            of_files(tmp_path),
        )

    shop = Shop(kafka)
    running = [stages.start(stage) for stage in STAGES]
    own = [(ID.encode(), shop.session(ID, number)) for number in range(3)]
    others = [(f"u{number}".encode(), shop.session(f"u{number}", number)) for number in range(4)]
    broken = shop.session(ID, 9)[:-40]
    shop.send(
        *own,
        own[0],  # a duplicate
        *others,
        (ID.encode(), b"no JSON"),
        (None, broken),
        (b"k", json.dumps({"note": f"write to {EMAIL.upper()}"}).encode()),
        (b"k", b"\xff mail%3A" + EMAIL.replace("@", "%40").encode()),
        (b"u1", b'{"of": "somebody else"}'),
    )
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()
    before = reconciled()
    assert (before["valid"], before["duplicate"], before["erased"]) == (7, 1, 0)
    store = MongoSessions(mongo)
    fill_files(data, store, mongo)
    planted = found()
    for place in (
        f"kafka {topics.RAW}",
        "mongodb sessions",
        "mongodb similar_users",
        str(data.similar_users),
    ):
        assert place in planted, planted

    for stage in running:
        assert stages.stop(stage) == 0
    erasures = ErasureList(data.erasures)
    begun = erasures.begin([erasures.request(USER)], time.time_ns() // 1_000_000)
    for attempt in range(2):  # once more, as if it had been killed at its end
        removed = {one.place: one.records for one in erase(begun, {USER: ID}, lambda step: None)}
        expected = 3 if attempt == 0 else 0
        assert removed["mongodb sessions"] == expected
        assert removed[f"kafka {topics.VALID}"] == expected
        # A duplicate is among the rejected messages, with its bytes.
        assert removed[f"kafka {topics.REJECTED}"] == (5 if attempt == 0 else 0)
    erasures.end(begun, [])
    # The list alone knows the pseudonym, by which a restore erases again.
    assert found() <= {str(data.erasures / "list.jsonl")}

    anew = Pipeline(kafka)  # Flink's state is deleted
    running = [stages.start(stage) for stage in STAGES]
    anew.summarise()
    after = reconciled()
    assert (after["erased"], after["mongodb"], after["sent"]) == (3, 7, 0)
    assert after["distinct_users"]["exact"] == 4

    # Everything that rebuilds or repeats: claims, replays, extracts, a Flink start from the beginning.
    assert rejected(None, None, None, everything=True, out=tmp_path / "rejected.jsonl", why="a test") == 0
    assert replay(tmp_path / "rejected.jsonl", None, HUNG_S, as_json=True) in (0, 1)
    assert replay(None, "not_json", HUNG_S, as_json=True) in (0, 1)
    for file in data.extract.iterdir():
        file.unlink()
    fill_files_again = [one for one in store.scan() if "erased" not in one]
    assert {one["userPseudonym"] for one in fill_files_again} == {PSEUDONYMS.user(f"u{n}") for n in range(4)}
    anew.drain("gate", topics.RAW)
    anew.summarise()
    assert found() <= {str(data.erasures / "list.jsonl")}
    reconciled()

    # A backup brings the person back into the stores, and a restore erases it again before anything starts.
    for stage in running:
        assert stages.stop(stage) == 0
    back = session_with(BOUGHT, user_id=ID, session_id="back", name=NAME, email=EMAIL, arrived_at_ms=1)
    store.insert([{"_id": back.session_pseudonym, **msgspec.to_builtins(back)}])
    table = pa.Table.from_pylist([session_row(msgspec.to_builtins(back))])
    pq.write_table(table, data.extract / "part-0-1.parquet")
    erase_again(erasures, lambda step: None)
    assert found() <= {str(data.erasures / "list.jsonl")}

    # The same person may come again: as a new user, with a new visit that stays.
    running = [stages.start(stage) for stage in STAGES]
    shop.send((ID.encode(), shop.session(ID, 0)))
    anew.drain("gate", topics.RAW)
    anew.summarise()
    [again] = store.of_user(USER, 1 << 62, 9)
    assert again["userKind"] == "new"
    erase_again(erasures, lambda step: None)
    assert store.of_user(USER, 1 << 62, 9) == [again]
