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

FLOOD = 150
LIVE = 300
OF_4_BYTES = "𝄞"


def names(number: int) -> dict[str, Any]:
    """200 products, whose names take up the message."""
    own = [f"{number}-{n}" for n in range(420)]
    return _interactions(own, [f"{one}{OF_4_BYTES * 500}" for one in own])


def interactions(number: int) -> dict[str, Any]:
    own = [f"{number}-{n}" for n in range(MAX_INTERACTIONS)]
    return _interactions(own, own)


def texts(number: int) -> dict[str, Any]:
    text = OF_4_BYTES * 10_000
    reviews = [
        Review(product_id=f"{number}-{n}", rating=1, text=text, sentiment="neutral") for n in range(24)
    ]
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


def flood(content: Callable[[int], dict[str, Any]], like: ValidSession) -> Iterator[ValidSession]:
    for number in range(FLOOD):
        yield msgspec.structs.replace(like, session_id=f"flood-{number}", **content(number))


def send(kafka: KafkaSettings, sessions: list[ValidSession]) -> None:
    client = producer(kafka)
    for session in sessions:
        client.produce(name(kafka, topics.VALID), encode(session), session.session_id.encode())
        client.poll(0)
        if len(client) > 20:
            client.flush()
    assert client.flush() == 0


def failures(cluster: flink.FlinkSettings, job: str) -> list[str]:
    """What ended tasks of the job, newest first."""
    with flink.client(cluster) as rest:
        history = rest.get(f"/jobs/{job}/exceptions").raise_for_status().json()["exceptionHistory"]
    return [entry["exceptionName"] for entry in history["entries"]]


def written(kafka: KafkaSettings, topic: str) -> dict[str, bytes]:
    """The last committed document of each key."""
    return {(one.key() or b"").decode(): one.value() or b"" for one in read_all(kafka, topic)}


def until_all(kafka: KafkaSettings, topic: str, told: int, running: Callable[[], list[str]]) -> None:
    """Waits for as long as more documents come, and no task has failed."""
    found = -1
    while found < told:
        before, found = found, -1

        def more(before: int = before) -> bool:
            nonlocal found
            found = len(written(kafka, topic))
            return found > before or bool(running())

        until(more, f"more than {before} of {told} documents in {topic}")
        assert running() == []


@pytest.mark.parametrize("content", [interactions, names, texts])
def test_the_longest_sessions_do_not_end_it(
    kafka: KafkaSettings, checkpoints: Path, content: Callable[[int], dict[str, Any]]
) -> None:
    usual = list(valid_sessions(LIVE))
    worst = list(flood(content, usual[0]))
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
        until_all(kafka, topics.SESSION_SUMMARIES, len(told), lambda: failures(cluster, job))
        wanted = window(told)
        until_all(kafka, topics.PRODUCT_ACTIVITY, len(wanted), lambda: failures(cluster, job))
        until(
            lambda: (
                msgspec.json.decode(written(kafka, topics.PRODUCT_ACTIVITY)[next(iter(wanted))])
                == msgspec.to_builtins(next(iter(wanted.values())))
            ),
            "the first window's totals",
        )
        assert failures(cluster, job) == []
    finally:
        flink.cancel(cluster, job)
