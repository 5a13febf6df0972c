"""The SQL statements of the job: one source of raw bytes, running totals, and three exactly-once sinks."""

import json
from collections.abc import Iterator

from streaming.contract import topics
from streaming.contract.topology import FLINK_JOB
from streaming.settings import KafkaSettings
from streaming.summaries import weight
from streaming.summaries.batch import PART
from streaming.summaries.settings import JobSettings, job_name

REDUCED = {
    "session_pseudonym": "STRING",
    "summary": "BYTES",
    "reviews": "ARRAY<ARRAY<STRING>>",
    "parts": "ARRAY<ARRAY<STRING>>",
}
"""The columns of `batch.reduce` and their types."""
_ACTIVITY = {
    "level": "STRING",
    "windowStartMs": "BIGINT",
    "windowEndMs": "BIGINT",
    "productId": "STRING",
    "productName": "STRING",
    "category": "STRING",
    "views": "BIGINT",
    "carts": "BIGINT",
    "removals": "BIGINT",
    "purchases": "BIGINT",
    "revenueCents": "BIGINT",
}
"""The columns of `product_activity` without its key."""
_SUMS = ("views", "carts", "removals", "purchases", "revenueCents")


def options(pairs: dict[str, object]) -> str:
    """Returns a WITH clause."""
    quoted = (f"'{name}' = '{str(value).replace(chr(39), chr(39) * 2)}'" for name, value in pairs.items())
    return f"WITH ({', '.join(quoted)})"


def source(kafka: KafkaSettings, job: JobSettings, group: str) -> dict[str, object]:
    """Returns options to read committed valid sessions, from the beginning or from the restored checkpoint
    on."""
    return _connection(kafka, job) | {
        "connector": "kafka",
        "topic": kafka.topic_prefix + topics.VALID,
        "scan.startup.mode": "earliest-offset",
        "properties.group.id": kafka.topic_prefix + group,
        "properties.isolation.level": "read_committed",
        # A fetch is bounded by its compressed bytes, which may be hundreds of times as many in the heap, and
        # three polls of so many records are there at once.
        "properties.max.poll.records": 25,
    }


def sink(kafka: KafkaSettings, job: JobSettings, topic: str) -> dict[str, object]:
    """Returns options to write `topic` in Kafka transactions that end with the checkpoints: only readers of
    committed records see each document exactly once."""
    return _connection(kafka, job) | {
        "topic": kafka.topic_prefix + topic,
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"{job_name(kafka)}-{topic}",
        # Transactional ids are reused: a new one per checkpoint would fill the broker, which keeps each for a
        # week.
        "sink.transaction-naming-strategy": "POOLING",
        "properties.transaction.timeout.ms": job.transaction_timeout_ms,
        "properties.linger.ms": 20,
        "properties.batch.size": 262_144,
        # Of each sink, and in Flink's heap: while Kafka is slower than the job, the job waits.
        "properties.buffer.memory": 8 * 1024 * 1024,
        "properties.compression.type": "lz4",
    }


def _connection(kafka: KafkaSettings, job: JobSettings) -> dict[str, object]:
    extra = json.loads(job.kafka_properties.get_secret_value())
    return {"properties.bootstrap.servers": kafka.bootstrap_servers} | {
        f"properties.{name}": value for name, value in extra.items()
    }


def tables(kafka: KafkaSettings, job: JobSettings) -> Iterator[str]:
    """Yields the declarations of the source `valid` and of the three sinks, each named after its topic."""
    valid = source(kafka, job, FLINK_JOB.group) | {"format": "raw"}
    yield f"CREATE TABLE valid (message BYTES) {options(valid)}"
    keyed = {"key.format": "raw", "value.fields-include": "EXCEPT_KEY"}
    for topic, document in ((topics.SESSION_SUMMARIES, "BYTES"), (topics.PRODUCT_SENTIMENT, "STRING")):
        written = sink(kafka, job, topic) | keyed
        written |= {"connector": "kafka", "key.fields": "key", "value.format": "raw"}
        yield f"CREATE TABLE {topic} (key STRING, document {document}) {options(written)}"
    columns = ", ".join(f"`{name}` {type_}" for name, type_ in _ACTIVITY.items())
    written = sink(kafka, job, topics.PRODUCT_ACTIVITY) | keyed
    written |= {"connector": "upsert-kafka", "value.format": "json"}
    yield (
        f"CREATE TABLE {topics.PRODUCT_ACTIVITY} (key STRING, {columns}, PRIMARY KEY (key) NOT ENFORCED) "
        f"{options(written)}"
    )


def views(function: str) -> Iterator[tuple[str, str]]:
    """Yields the views, each with its query: `weighed`, messages with the blank rows that follow long ones
    (weight.py), and `reduced`, the results of `function` in one column `made`."""
    yield (
        "weighed",
        "SELECT IF(blank, CAST(NULL AS BYTES), message) AS message "
        f"FROM valid CROSS JOIN UNNEST({weight.sql('message')}) AS lines (blank)",
    )
    yield "reduced", f"SELECT {function}(message) AS made FROM weighed"


def inserts() -> Iterator[str]:
    """Yields the statements that write the three topics from `reduced`."""
    yield (
        f"INSERT INTO {topics.SESSION_SUMMARIES} "
        "SELECT reduced.made.session_pseudonym, reduced.made.summary FROM reduced "
        "WHERE reduced.made.session_pseudonym IS NOT NULL"
    )
    yield (
        f"INSERT INTO {topics.PRODUCT_SENTIMENT} SELECT review[1], review[2] "
        "FROM reduced CROSS JOIN UNNEST(reduced.made.reviews) AS reviews (review)"
    )
    yield (
        f"INSERT INTO {topics.PRODUCT_ACTIVITY} SELECT part[1], {', '.join(_totals())} "
        "FROM reduced CROSS JOIN UNNEST(reduced.made.parts) AS parts (part) GROUP BY part[1]"
    )


def _totals() -> Iterator[str]:
    """Yields the aggregate of each column: SUM for sums, MIN for others. MIN selects the first name; columns
    that are equal in all parts of a key stay unchanged by it."""
    for name, type_ in _ACTIVITY.items():
        field = f"part[{PART.index(name) + 1}]"
        value = field if type_ == "STRING" else f"CAST({field} AS {type_})"
        yield f"{'SUM' if name in _SUMS else 'MIN'}({value})"
