"""Whatever is replayed, twice or an old batch late, the stores end with the same ids and contents."""

from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console
from support.pipeline import Pipeline, Stages
from support.sessions import PSEUDONYMS
from waiting import HUNG_S

from streaming.contract import topics
from streaming.kafka import clients
from streaming.reconcile.account import reconcile_evidence
from streaming.reconcile.command import gather
from streaming.reconcile.recompute import recompute
from streaming.reconcile.report import Report
from streaming.settings import ElasticsearchSettings, KafkaSettings, MongoSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.sinks.mongo.documents import document
from streaming.sinks.mongo.sessions import MongoSessions
from streaming.summaries.key_limit import USUAL


@pytest.fixture
def reconciled(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Report]:
    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    return lambda: reconcile_evidence(gather(HUNG_S, Console(stderr=True), None), lambda: 0)


def test_topics_twice_and_old_batches_late_leave_the_stores_as_they_were(
    pipeline: Pipeline,
    stages: Stages,
    kafka: KafkaSettings,
    mongo: MongoSettings,
    elasticsearch: ElasticsearchSettings,
    reconciled: Callable[[], Report],
) -> None:
    _, store, index = (stages.start(stage) for stage in ("gate", "store", "index"))
    for seed in (1, 2, 3):  # window totals in three versions
        pipeline.send(300, seed)
        pipeline.drain("gate", topics.RAW)
        pipeline.summarise()
    for group, of in (("store", (topics.VALID,)), ("index", topics.INDEXED)):
        pipeline.drain(group, *of)
    before = reconciled()
    assert before.holds, before.breaks

    # What Flink wrote, produced anew: all of it twice, and then its first third once more.
    written = {name: list(clients.read_all(kafka, name)) for name in topics.INDEXED}
    sender = clients.producer(kafka)
    for name, records in written.items():
        for record in [*records, *records, *records[: len(records) // 3]]:
            sender.produce(clients.name(kafka, name), record.value(), record.key())
    assert sender.flush(HUNG_S) == 0
    pipeline.drain("index", *topics.INDEXED)
    # What the gate wrote, stored again in the same way.
    sessions = [
        document(record.value() or b"", PSEUDONYMS) for record in clients.read_all(kafka, topics.VALID)
    ]
    repeated = [*sessions, *sessions, *sessions[: len(sessions) // 3]]
    assert MongoSessions(mongo).insert(repeated) == 0

    after = reconciled()
    assert after.holds, after.breaks
    assert after.digests == before.digests
    assert stages.stop(store) == stages.stop(index) == 0

    # The windows follow from MongoDB alone; a session lost there is missed in its windows.
    documents = ElasticsearchIndex(elasticsearch)
    windows = list(documents.scan(topics.PRODUCT_ACTIVITY))
    ends = {at: one.to for at, one in after.partitions.items()}
    again = recompute(windows, MongoSessions(mongo).scan(), [], ends, USUAL, PSEUDONYMS)
    assert (again.holds, again.windows) == (True, len(windows))
    bought = next(s for s in pipeline.valid() if s.actions and not s.late)
    rest = (one for one in MongoSessions(mongo).scan() if one["_id"] != bought.session_pseudonym)
    less = recompute(windows, rest, [], ends, USUAL, PSEUDONYMS)
    assert not less.holds
    assert less.breaks_in_all >= 2  # of its products and of its categories
    # Nor is a window judged that a session may have come into meanwhile.
    left = recompute(
        windows, MongoSessions(mongo).scan(), [msgspec.json.encode(bought)], ends, USUAL, PSEUDONYMS
    )
    assert left.holds
    assert left.left_out >= 2
