"""`python -m lab.benchmarks.flink`: the Flink job against a SQL-only pass-through of the same messages, and
the sentiment classifier alone. Prints one JSON object.

Both jobs run on the same cluster at parallelism 1, one after the other, with the same source and the same
exactly-once sink; the pass-through parses each message's JSON into columns and writes all of them. Rates are
messages per second between the first and the last record written, by the producer's time stamps, so that
neither start nor checkpoint counts. The first round warms the JVM and is not counted.
"""

import argparse
import json
import statistics
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from lab.benchmarks.pass_through import PASS_THROUGH
from lab.benchmarks.sessions import valid_sessions
from streaming.contract import topics
from streaming.contract.valid_session import encode
from streaming.flink import cluster as flink
from streaming.kafka.clients import consumer, ensure_topics, name, producer, properties, read_all
from streaming.kafka.partitions import end_offsets
from streaming.kafka.produce import produce
from streaming.settings import KafkaSettings
from streaming.summaries import submitter
from streaming.summaries.sentiment import classify

DEADLINE_S = 180.0
PASS_THROUGH_JOB = Path(__file__).with_name("flink_pass_through.py")
SETTLED_S = 3.0
"""Longer than the checkpoint interval: outputs that have not grown for so long are complete."""


def _produce(kafka: KafkaSettings, sessions: Sequence[tuple[bytes, bytes]]) -> None:
    ensure_topics(kafka)
    admin = AdminClient(properties(kafka))
    topic = NewTopic(name(kafka, PASS_THROUGH), kafka.partitions, kafka.replication_factor)
    for outcome in admin.create_topics([topic]).values():
        outcome.result()
    client = producer(kafka)
    for key, value in sessions:
        produce(client, name(kafka, topics.VALID), value, key)
    client.flush()


def _rate(kafka: KafkaSettings, outputs: Sequence[str], messages: int) -> float:
    """Returns messages per second while `outputs` were written. Waits until they no longer grow and the first
    has `messages` records."""
    deadline = time.monotonic() + DEADLINE_S
    client = consumer(kafka, "bench")
    ends: list[dict[int, int]] = []
    still_since = time.monotonic()
    while time.monotonic() - still_since < SETTLED_S or sum(ends[0].values()) < messages:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{kafka.topic_prefix}: {ends} of {messages} messages after {DEADLINE_S} s")
        now = [end_offsets(client, name(kafka, topic)) for topic in outputs]
        if now != ends:
            ends, still_since = now, time.monotonic()
        time.sleep(0.2)
    client.close()
    stamps = [[record.timestamp()[1] for record in read_all(kafka, topic)] for topic in outputs]
    if len(stamps[0]) != messages:
        raise RuntimeError(f"{len(stamps[0])} records in {outputs[0]}, but {messages} are expected")
    first, last = min(map(min, filter(None, stamps))), max(map(max, filter(None, stamps)))
    return messages / ((last - first) / 1000)


def _running(cluster: flink.FlinkSettings, submit: Callable[[], str], measure: Callable[[], float]) -> float:
    job_id = submit()
    try:
        return measure()
    finally:
        flink.cancel(cluster, job_id)


def round_of_both(
    cluster: flink.FlinkSettings, kafka: KafkaSettings, sessions: Sequence[tuple[bytes, bytes]]
) -> tuple[float, float]:
    """Returns (pass-through, job) in messages per second, on new topics that are deleted afterwards."""
    _produce(kafka, sessions)
    try:
        environment = {
            "VITRINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "VITRINE_FLINK_PARALLELISM": "1",
            "VITRINE_FLINK_SENTIMENT": "false",
        }
        passing = _running(
            cluster,
            lambda: flink.run(cluster, PASS_THROUGH_JOB, environment),
            lambda: _rate(kafka, [PASS_THROUGH], len(sessions)),
        )
        reducing = _running(
            cluster,
            lambda: flink.run(cluster, submitter.JOB, environment),
            lambda: _rate(kafka, [topics.SESSION_SUMMARIES, topics.PRODUCT_ACTIVITY], len(sessions)),
        )
        return passing, reducing
    finally:
        admin = AdminClient(properties(kafka))
        own = [topic for topic in admin.list_topics().topics if topic.startswith(kafka.topic_prefix)]
        for outcome in admin.delete_topics(own).values():
            outcome.result()


def reviews_per_second(texts: Sequence[str], seconds: float = 3.0) -> float:
    """Returns how many reviews are classified per second on one core."""
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for text in texts:
            classify(text)
        done += len(texts)
    return done / (time.perf_counter() - start)


def main() -> int:
    """Runs the benchmark of the command line. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000, help="messages per round")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds, after one that is not counted")
    chosen = parser.parse_args()
    _tell(f"making {chosen.messages:,} messages")
    texts: list[str] = []
    sessions = []
    for session in valid_sessions(chosen.messages):
        sessions.append((session.user_pseudonym.encode(), encode(session)))
        texts.extend(review.text for review in session.reviews)
    cluster, run = flink.FlinkSettings(), uuid.uuid4().hex[:8]
    rounds = []
    for number in range(chosen.rounds + 1):
        kafka = KafkaSettings(topic_prefix=f"bench-flink-{run}-{number}-")
        passing, reducing = round_of_both(cluster, kafka, sessions)
        _tell(f"round {number}: pass-through {passing:,.0f}/s, job {reducing:,.0f}/s")
        if number:
            rounds.append((passing, reducing))
    result = {
        "messages": chosen.messages,
        "bytes_per_message": round(statistics.mean(len(value) for _, value in sessions)),
        "pass_through_per_s": round(statistics.median(passing for passing, _ in rounds)),
        "job_per_s": round(statistics.median(reducing for _, reducing in rounds)),
        "ratio": round(statistics.median(reducing / passing for passing, reducing in rounds), 3),
        "rounds": [[round(passing), round(reducing)] for passing, reducing in rounds],
        "sentiment_reviews_per_s": round(reviews_per_second(texts[:5_000])),
    }
    print(json.dumps(result))
    return 0


def _tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
