"""Late and out-of-order sessions: each is in the window of its hour, or counted as late."""

import json
import time

import msgspec
import pytest
from support.pipeline import Pipeline, Stages
from support.sessions import session_with
from waiting import HUNG_S

from streaming.contract import topics
from streaming.contract.session import LIVE_FEED
from streaming.contract.valid_session import sent
from streaming.kafka import clients
from streaming.reconcile.command import run
from streaming.settings import ElasticsearchSettings, ImportSettings, KafkaSettings
from streaming.sinks.elasticsearch.index import ElasticsearchIndex
from streaming.summaries.product import WINDOW_MS

MINUTE_MS = 60_000
IMPORT = "an import"
VIEWED = ("p", "n", 1.0, "c", "view")
ARRIVALS = [
    # minutes before now, feed, late
    (0, LIVE_FEED, False),
    (59, LIVE_FEED, False),
    (61, LIVE_FEED, True),
    (30, LIVE_FEED, False),
    (600, IMPORT, False),
    (59, LIVE_FEED, False),
    (600, LIVE_FEED, True),
    (0, LIVE_FEED, False),
]
"""In the order of their arrival, all of one user and so on one partition."""


def test_out_of_order_within_the_lateness_counts_in_its_hour_and_later_is_counted_as_late(
    pipeline: Pipeline,
    stages: Stages,
    kafka: KafkaSettings,
    elasticsearch: ElasticsearchSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for stage in ("gate", "store", "index"):
        stages.start(stage)
    now_ms = time.time_ns() // 1_000_000
    sender = clients.producer(kafka)
    expected: dict[int, int] = {}
    for number, (minutes, feed, late) in enumerate(ARRIVALS):
        event_time_ms = now_ms - minutes * MINUTE_MS
        named = ImportSettings().imports.feed("0123456789ab") if feed == IMPORT else feed
        one = session_with(
            VIEWED, session_id=str(number), user_id="u", feed=named, event_time_ms=event_time_ms
        )
        sender.produce(clients.name(kafka, topics.RAW), msgspec.json.encode(sent(one)), b"u")
        if not late:
            hour = event_time_ms // WINDOW_MS * WINDOW_MS
            expected[hour] = expected.get(hour, 0) + 1
    assert sender.flush(HUNG_S) == 0
    pipeline.drain("gate", topics.RAW)
    pipeline.summarise()

    for name, value in stages.environment.items():
        monkeypatch.setenv(name, value)
    assert run(as_json=True, timeout_s=HUNG_S) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["valid"] == len(ARRIVALS)
    assert report["late"] == sum(late for _, _, late in ARRIVALS)
    assert {s.identity.session_id: s.late for s in pipeline.valid()} == {
        str(number): late for number, (_, _, late) in enumerate(ARRIVALS)
    }
    index = ElasticsearchIndex(elasticsearch)
    found = {
        one["windowStartMs"]: one["views"]
        for _, one in index.scan(topics.PRODUCT_ACTIVITY)
        if one["level"] == "product"
    }
    assert found == expected
    assert sum(found.values()) + report["late"] == len(ARRIVALS)
