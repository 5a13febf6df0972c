"""A visitor who does their worst for the Flink job: many valid sessions, as long as the contract allows."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from waiting import until

from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.session import MAX_INTERACTIONS, MAX_MESSAGE_BYTES, Review
from streaming.contract.valid_session import ValidSession, encode
from streaming.flink import cluster as flink
from streaming.kafka.clients import ensure_topics, name, producer, read_all
from streaming.settings import KafkaSettings
from streaming.summaries import submitter
from streaming.summaries.product import window

LIVE = 300
OF_4_BYTES = "𝄞"


def names(number: int) -> dict[str, Any]:
    """420 products, whose names take up the message."""
    own = [f"{number}-{n}" for n in range(420)]
    return _interactions(own, [f"{one}{OF_4_BYTES * 500}" for one in own])


def interactions(number: int) -> dict[str, Any]:
    own = [f"{number}-{n}" for n in range(MAX_INTERACTIONS)]
    return _interactions(own, own)


def texts(number: int) -> dict[str, Any]:
    word = "ü" * 10_000
    about = [f"{number}-{n}" for n in range(45)]
    reviews = [Review(product_id=one, rating=1, text=word, sentiment="neutral") for one in about]
    return _interactions([], []) | {"reviews": reviews}


def _interactions(products: list[str], named: list[str]) -> dict[str, Any]:
    return {
        "product_ids": products,
        "product_names": named,
        "product_categories": products,
        "product_prices": [1.0] * len(products),
        "actions": ["purchase"] * len(products),
        "reviews": [],
    }


def flood(content: Callable[[int], dict[str, Any]], count: int, like: ValidSession) -> Iterator[ValidSession]:
    for number in range(count):
        yield msgspec.structs.replace(like, session_pseudonym=f"flood-{number}", **content(number))


def send(kafka: KafkaSettings, sessions: list[ValidSession]) -> None:
    client = producer(kafka)
    for session in sessions:
        client.produce(name(kafka, topics.VALID), encode(session), session.session_pseudonym.encode())
        client.poll(0)
        if len(client) > 20:
            client.flush()
    assert client.flush() == 0


def failures(cluster: flink.FlinkSettings, job: str) -> list[str]:
    """What ended tasks of the job, newest first."""
    with flink.client(cluster) as rest:
        history = rest.get(f"/jobs/{job}/exceptions").raise_for_status().json()["exceptionHistory"]
    return [entry["exceptionName"] for entry in history["entries"]]


class Written:
    """The committed documents of a topic by key, of which each read takes only the new ones."""

    def __init__(self, kafka: KafkaSettings, topic: str) -> None:
        self.kafka, self.topic = kafka, topic
        self.documents: dict[str, bytes] = {}
        self._next = dict.fromkeys(range(kafka.partitions), 0)

    def read(self) -> dict[str, bytes]:
        for one in read_all(self.kafka, self.topic, dict(self._next)):
            self._next[one.partition() or 0] = (one.offset() or 0) + 1
            self.documents[(one.key() or b"").decode()] = one.value() or b""
        return self.documents

    def until(self, count: int, failures: Callable[[], list[str]]) -> None:
        """Waits for `count` documents, as long as more of them come. Fails when a task does."""
        while (before := len(self.read())) < count:

            def more(before: int = before) -> bool:
                return len(self.read()) > before or bool(failures())

            until(more, f"more than {before} of {count} documents in {self.topic}")
            assert failures() == []


# To classify the texts of one takes most of a second.
@pytest.mark.parametrize(("content", "count"), [(interactions, 100), (names, 100), (texts, 40)])
def test_the_longest_sessions_do_not_end_it(
    kafka: KafkaSettings, checkpoints: Path, content: Callable[[int], dict[str, Any]], count: int
) -> None:
    usual = list(valid_sessions(LIVE))
    worst = list(flood(content, count, usual[0]))
    assert MAX_MESSAGE_BYTES * 0.4 < len(encode(worst[-1])) < MAX_MESSAGE_BYTES
    told = [*usual[: LIVE // 2], *worst, *usual[LIVE // 2 :]]
    cluster = flink.FlinkSettings()
    environment = {
        "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "VITRINE_FLINK_CHECKPOINT_DIR": checkpoints.as_uri(),
    }
    ensure_topics(kafka)
    send(kafka, told)
    job = flink.run(cluster, submitter.JOB, environment)
    try:
        Written(kafka, topics.SESSION_SUMMARIES).until(len(told), lambda: failures(cluster, job))
        totals = window(told)
        key, total = next(iter(totals.items()))
        activity = Written(kafka, topics.PRODUCT_ACTIVITY)
        activity.until(len(totals), lambda: failures(cluster, job))
        until(
            lambda: msgspec.json.decode(activity.read()[key]) == msgspec.to_builtins(total),
            "the first window's totals",
        )
        assert failures(cluster, job) == []
    finally:
        flink.cancel(cluster, job)
