"""The job on the real cluster, with its own topics: readers of committed records see what the pure functions
return."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.sessions import PSEUDONYMS, earlier_message, valid_session
from waiting import HUNG_S, until

from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.session import MAX_INTERACTIONS, Review
from streaming.contract.valid_session import StoredSession, encode
from streaming.flink import cluster as flink
from streaming.kafka.clients import ensure_topics, name, producer, read_all
from streaming.settings import KafkaSettings
from streaming.summaries import submitter
from streaming.summaries.documents import documents
from streaming.summaries.key_limit import USUAL, KeyLimit
from streaming.summaries.product import window
from streaming.words.lists import Further, Words

WORDS_OF_ITS_OWN = {"Points": ["bonus points"]}
WORDS = Words(Further(payments=WORDS_OF_ITS_OWN))
AWKWARD = ["🛋 sofa", 'a "quoted"\\name', "nul\x00and\x1fseparators", "Ünïcode", "𝄞" * 128]
"""Texts that might be changed on the way through another process, another language and JSON."""


def awkward_sessions(like: StoredSession) -> Iterator[StoredSession]:
    for number, text in enumerate(AWKWARD):
        yield msgspec.structs.replace(
            like,
            session_pseudonym=f"{text[:64]}{number}",
            product_ids=[text],
            product_names=[text],
            product_categories=[text],
            product_prices=[1e9],
            actions=["purchase"],
            reviews=[Review(product_id=text, rating=1, text=text, sentiment="negative")],
            operating_system=text[:128],
            payment_method_type="Bonus-Points",
        )


POISON = [
    b"",
    b"no session",
    b"\xff\x00",
    b'{"sessionId": 1}',
    b"[" * 100_000,
    b'"' + b"x" * 1_500_000 + b'"',
    None,
]
"""Messages that another program may write to the job's topic: the job skips them."""


def poison(kafka: KafkaSettings) -> None:
    client = producer(kafka)
    for number, value in enumerate(POISON):
        client.produce(name(kafka, topics.VALID), value, None, number % kafka.partitions)
    assert client.flush(HUNG_S) == 0


def send(kafka: KafkaSettings, sessions: list[StoredSession]) -> None:
    client = producer(kafka)
    for session in sessions:
        # Those of the stack's own key as a gate wrote them that knew no pseudonyms: the job makes them.
        earlier = session.pseudonym_key == PSEUDONYMS.key_id
        value = earlier_message(session) if earlier else encode(session)
        client.produce(name(kafka, topics.VALID), value, session.user_pseudonym.encode())
    assert client.flush(HUNG_S) == 0


def expected(sessions: list[StoredSession], limit: KeyLimit) -> dict[str, dict[str, object]]:
    wanted: dict[str, dict[str, object]] = {topic: {} for topic in topics.INDEXED}
    for session in sessions:
        for topic, key, document in documents(session, WORDS):
            wanted[topic][key] = msgspec.to_builtins(document)
    wanted[topics.PRODUCT_ACTIVITY] = msgspec.to_builtins(window(sessions, limit))
    return wanted


def committed(kafka: KafkaSettings) -> tuple[dict[str, dict[str, object]], dict[str, int]]:
    """The last document of each key, and the number of records in each topic."""
    found: dict[str, dict[str, object]] = {topic: {} for topic in topics.INDEXED}
    records = dict.fromkeys(topics.INDEXED, 0)
    for topic in topics.INDEXED:
        for message in read_all(kafka, topic):
            found[topic][(message.key() or b"").decode()] = json.loads(message.value() or b"null")
            records[topic] += 1
    return found, records


def until_equal(kafka: KafkaSettings, sessions: list[StoredSession], limit: KeyLimit = USUAL) -> None:
    wanted = expected(sessions, limit)

    def equal() -> dict[str, int]:
        found, records = committed(kafka)
        return records if found == wanted else {}

    def differing() -> str:
        found, _ = committed(kafka)
        return str({t: sum(found[t].get(k) != d for k, d in wanted[t].items()) for t in wanted})

    records = until(equal, "all documents; so many differ:", differing)
    # Documents that are written once stand there once; window figures are written again as they grow.
    for topic in (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT):
        assert records[topic] == len(wanted[topic])


def test_documents_equal_those_of_the_pure_functions_also_after_a_restore(
    kafka: KafkaSettings, checkpoints: Path
) -> None:
    told = list(valid_sessions(3_000, late_rate=0.05))
    told[100:100] = awkward_sessions(told[0])
    told[200:200] = [valid_session(session_id=f"earlier {number}") for number in range(20)]
    assert any(session.late for session in told)
    assert any(session.reviews for session in told)
    cluster = flink.FlinkSettings()
    environment = {
        "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "VITRINE_FLINK_CHECKPOINT_DIR": checkpoints.as_uri(),
        "VITRINE_FLINK_CHECKPOINT_INTERVAL_MS": "500",
        "VITRINE_WORDS_PAYMENTS": json.dumps(WORDS_OF_ITS_OWN),
    }
    ensure_topics(kafka)
    first, second = told[:2_000], told[2_000:]
    poison(kafka)
    send(kafka, first)
    poison(kafka)
    job = flink.run(cluster, submitter.JOB, environment)
    try:
        until_equal(kafka, first)
        # All three results follow from one pass through Python.
        vertices = details(cluster, job)["vertices"]
        assert sum(vertex["name"].count("PythonCalc") for vertex in vertices) == 1
    finally:
        flink.cancel(cluster, job)
    # While it runs, each checkpoint replaces the one before.
    until(lambda: details(cluster, job)["state"] == "CANCELED", "the end of the first job")
    checkpoint = flink.newest_checkpoint(cluster, job)
    assert checkpoint is not None

    send(kafka, second)
    job = flink.run(cluster, submitter.JOB, environment | {"VITRINE_FLINK_PARALLELISM": "2"}, checkpoint)
    try:
        until_equal(kafka, told)
    finally:
        flink.cancel(cluster, job)


def bombs(count: int, like: StoredSession) -> Iterator[StoredSession]:
    """Valid sessions, each of 10,000 products and 10,000 categories that nobody has seen before."""
    for number in range(count):
        own = [f"{number}-{n}" for n in range(MAX_INTERACTIONS)]
        yield msgspec.structs.replace(
            like,
            session_pseudonym=f"bomb-{number}",
            product_ids=own,
            product_names=own,
            product_categories=own,
            product_prices=[1.0] * len(own),
            actions=["view"] * len(own),
            reviews=[],
        )


def details(cluster: flink.FlinkSettings, job: str) -> dict[str, Any]:
    with flink.client(cluster) as rest:
        found: dict[str, Any] = rest.get(f"/jobs/{job}").raise_for_status().json()
    return found


def restarts(cluster: flink.FlinkSettings, job: str) -> list[str]:
    with flink.client(cluster) as rest:
        found = rest.get(f"/jobs/{job}/metrics", params={"get": "numRestarts"}).raise_for_status().json()
    return [metric["value"] for metric in found]


@pytest.mark.parametrize(
    "limit", [USUAL, KeyLimit(products=MAX_INTERACTIONS, categories=MAX_INTERACTIONS)], ids=["usual", "none"]
)
def test_twenty_messages_of_ten_thousand_new_products_do_not_end_it(
    kafka: KafkaSettings, checkpoints: Path, limit: KeyLimit
) -> None:
    """Without the limit their totals are 400,000, which did not fit into the heap: about 1.8 kB each."""
    told = list(valid_sessions(600))
    told[300:300] = bombs(20, told[0])
    cluster = flink.FlinkSettings()
    environment = {
        "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
        "VITRINE_FLINK_CHECKPOINT_DIR": checkpoints.as_uri(),
        "VITRINE_WINDOW_SESSION_PRODUCTS": str(limit.products),
        "VITRINE_WINDOW_SESSION_CATEGORIES": str(limit.categories),
    }
    ensure_topics(kafka)
    job = flink.run(cluster, submitter.JOB, environment)
    try:
        send(kafka, told)
        until_equal(kafka, told, limit)
        assert until(lambda: restarts(cluster, job), "the number of restarts") == ["0"]
    finally:
        flink.cancel(cluster, job)
