"""The Flink job: sessions in, summaries, product figures and sentiment out, each exactly once.

    flink run -d -py streaming/summaries/job.py            (from a retained checkpoint: -s <path of chk-N>)

Settings come from the submitting process's environment: KafkaSettings (VITRINE_KAFKA_*) and JobSettings
(VITRINE_FLINK_*). The job is called `<topic prefix>session-summaries`. On client and TaskManager the Python
environment must have this project installed (`python.client.executable`, `python.executable`), and Flink's
lib folder the Kafka connector and flink-python.

Bytes are read as they are, decoded and reduced once by a Python function in the TaskManager's own process
(thread mode), and everything after it is SQL in the JVM: Python keyed state would be ten times slower. There
are no watermarks: the gate has already decided what is late, so no window ever closes and an idle partition
holds up nothing. Windows are running totals instead, written as upserts that Elasticsearch replaces by id.
"""

import json
from collections.abc import Iterator
from typing import Any

from pyflink.common import Configuration
from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udtf

from streaming.events import topics
from streaming.settings import KafkaSettings
from streaming.summaries.rows import rows
from streaming.summaries.settings import JobSettings

JOB_NAME = "session-summaries"
GROUP = "summaries"

_PART = {
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
_SUMS = ("views", "carts", "removals", "purchases", "revenueCents")


def configuration(kafka: KafkaSettings, job: JobSettings) -> Configuration:
    """How the job runs: checkpoints, restarts, state and the place of Python."""
    options = {
        "pipeline.name": kafka.topic_prefix + JOB_NAME,
        "parallelism.default": job.parallelism,
        "pipeline.max-parallelism": 128,
        "pipeline.object-reuse": "true",
        "python.execution-mode": "thread",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": f"{job.checkpoint_interval_ms} ms",
        "execution.checkpointing.timeout": f"{job.checkpoint_timeout_ms} ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A broker that is away for minutes fails many checkpoints in a row; the job waits for it.
        "execution.checkpointing.tolerable-failed-checkpoints": 1_000,
        "restart-strategy.type": "exponential-delay",  # without an end of attempts
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "15 s",
        "state.backend.type": job.state_backend,
        "execution.checkpointing.incremental": "true",
        "table.exec.state.ttl": f"{job.state_ttl_ms} ms",
        "table.exec.mini-batch.enabled": "true",
        # Sums are gathered up to the checkpoint that makes them visible anyway, and flushed by its barrier.
        "table.exec.mini-batch.allow-latency": f"{job.checkpoint_interval_ms} ms",
        "table.exec.mini-batch.size": 20_000,
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
        # The three statements share one source and one pass through Python.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        # Operators keep their identity when parallelism changes, so that a checkpoint still fits.
        "table.exec.uid.generation": "ALWAYS",
    }
    if job.checkpoint_dir:
        options["execution.checkpointing.dir"] = job.checkpoint_dir
    flink = Configuration()
    for name, value in options.items():
        flink.set_string(name, str(value))
    return flink


def _with(options: dict[str, object]) -> str:
    quoted = (f"'{name}' = '{str(value).replace(chr(39), chr(39) * 2)}'" for name, value in options.items())
    return f"WITH ({', '.join(quoted)})"


def _connection(kafka: KafkaSettings, job: JobSettings) -> dict[str, object]:
    extra = json.loads(job.kafka_properties.get_secret_value())
    return {"properties.bootstrap.servers": kafka.bootstrap_servers} | {
        f"properties.{name}": value for name, value in extra.items()
    }


def _sink(kafka: KafkaSettings, job: JobSettings, topic: str) -> dict[str, object]:
    name = kafka.topic_prefix + topic
    return _connection(kafka, job) | {
        "topic": name,
        "key.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"{kafka.topic_prefix}{JOB_NAME}-{topic}",
        # Transactional ids are used again, not one a checkpoint: the broker remembers each for a week.
        "sink.transaction-naming-strategy": "POOLING",
        "properties.transaction.timeout.ms": job.transaction_timeout_ms,
        "properties.linger.ms": 20,
        "properties.batch.size": 262_144,
        "properties.compression.type": "lz4",
    }


def tables(kafka: KafkaSettings, job: JobSettings) -> Iterator[str]:
    """The statements that declare source and sinks."""
    source = _connection(kafka, job) | {
        "connector": "kafka",
        "topic": kafka.topic_prefix + topics.VALID,
        "format": "raw",
        "scan.startup.mode": "earliest-offset",
        "properties.group.id": kafka.topic_prefix + GROUP,
        "properties.isolation.level": "read_committed",
    }
    yield f"CREATE TABLE valid (message BYTES) {_with(source)}"
    for topic in (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT):
        sink = _sink(kafka, job, topic) | {"connector": "kafka", "key.fields": "key", "value.format": "raw"}
        yield f"CREATE TABLE {topic} (key STRING, document BYTES) {_with(sink)}"
    columns = ", ".join(f"`{name}` {type_}" for name, type_ in _PART.items())
    sink = _sink(kafka, job, topics.PRODUCT_ACTIVITY) | {"connector": "upsert-kafka", "value.format": "json"}
    yield (
        f"CREATE TABLE {topics.PRODUCT_ACTIVITY} (key STRING, {columns}, PRIMARY KEY (key) NOT ENFORCED) "
        f"{_with(sink)}"
    )


def inserts() -> Iterator[str]:
    """The statements that fill the three topics from the view `reduced`."""
    for topic in (topics.SESSION_SUMMARIES, topics.PRODUCT_SENTIMENT):
        yield f"INSERT INTO {topic} SELECT key, document FROM reduced WHERE topic = '{topic}'"
    # Within a key all but names and sums are the same in every part, so MIN carries them through.
    totals = ", ".join(f"{'SUM' if name in _SUMS else 'MIN'}(`{name}`)" for name in _PART)
    yield (
        f"INSERT INTO {topics.PRODUCT_ACTIVITY} SELECT key, {totals} FROM reduced "
        f"WHERE topic = '{topics.PRODUCT_ACTIVITY}' GROUP BY key"
    )


def submit(kafka: KafkaSettings, job: JobSettings) -> None:
    """Starts the job on the cluster that this process was pointed at. Raises if Flink refuses it."""
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance()
        .in_streaming_mode()
        .with_configuration(configuration(kafka, job))
        .build()
    )
    sentiment = job.sentiment

    def reduce(message: bytes) -> Iterator[tuple[Any, ...]]:
        return rows(message, sentiment)

    types = {"STRING": DataTypes.STRING(), "BIGINT": DataTypes.BIGINT()}
    environment.create_temporary_system_function(
        "reduce_session",
        udtf(
            reduce,
            result_types=[
                DataTypes.STRING(), DataTypes.STRING(), DataTypes.BYTES(),
                *(types[type_] for type_ in _PART.values()),
            ],
        ),
    )  # fmt: skip
    for statement in tables(kafka, job):
        environment.execute_sql(statement)
    columns = ", ".join(f"`{name}`" for name in ("topic", "key", "document", *_PART))
    environment.execute_sql(
        f"CREATE TEMPORARY VIEW reduced AS SELECT {columns} "
        f"FROM valid, LATERAL TABLE(reduce_session(message)) AS r({columns})"
    )
    statements = environment.create_statement_set()
    for insert in inserts():
        statements.add_insert_sql(insert)
    statements.execute()


if __name__ == "__main__":
    submit(KafkaSettings(), JobSettings())
