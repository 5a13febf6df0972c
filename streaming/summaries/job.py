"""The Flink job: turns valid sessions into summaries, window aggregates and sentiment, each exactly once.

    flink run -d -py streaming/summaries/job.py            (from a retained checkpoint: -s <path of chk-N>)

Settings come from the submitting process's environment: KafkaSettings (VITRINE_KAFKA_*), JobSettings
(VITRINE_FLINK_*), WindowSettings (VITRINE_WINDOW_*), WordSettings (VITRINE_WORDS_*) and PseudonymSettings
(VITRINE_PSEUDONYM_KEY). The job's name is `<topic prefix>session-summaries`.
Client and TaskManager need a Python environment with this project installed (`python.client.executable`,
`python.executable`), and the Kafka connector and flink-python in Flink's lib folder.

A Python function decodes and reduces the bytes once, one batch at a time (with Arrow, in a process beside the
TaskManager); everything after it is SQL in the JVM. Row by row in thread mode was several times slower; keyed
state in Python would be slower still. There are no watermarks: the gate has already decided which sessions
are late, so windows never close, and an idle partition delays nothing. Windows are running totals instead,
written as upserts that Elasticsearch replaces by id.
"""

from typing import Any

import pandas as pd
from pyflink.common import Configuration
from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

from streaming.contract.pseudonym import Pseudonyms
from streaming.process import garbage_collection
from streaming.settings import KafkaSettings, PseudonymSettings
from streaming.summaries import sql
from streaming.summaries.batch import reduce
from streaming.summaries.key_limit import KeyLimit
from streaming.summaries.settings import JobSettings, WindowSettings, job_name
from streaming.summaries.worker_life import end_with_task_manager
from streaming.words.lists import Further, Words
from streaming.words.settings import WordSettings

_TYPES = {
    "STRING": DataTypes.STRING(),
    "BYTES": DataTypes.BYTES(),
    "ARRAY<ARRAY<STRING>>": DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.STRING())),
}


class ReduceSessions(ScalarFunction):  # type: ignore[misc]
    """`batch.reduce` for Flink: takes a series of messages, returns a frame with as many rows."""

    def __init__(self, sentiment: bool, limit: KeyLimit, further: Further, pseudonym_key: str) -> None:
        self.sentiment = sentiment
        self.pseudonym_key = pseudonym_key
        self.limit = limit
        self.further = further

    def open(self, function_context: FunctionContext) -> None:
        """Flink calls it once per worker."""
        end_with_task_manager()
        garbage_collection.tune_for_batches()
        self.words = Words(self.further)
        self.pseudonyms = Pseudonyms(self.pseudonym_key)

    def eval(self, messages: "pd.Series[Any]") -> pd.DataFrame:
        return pd.DataFrame(reduce(messages, self.sentiment, self.limit, self.words, self.pseudonyms))


def configuration(kafka: KafkaSettings, job: JobSettings) -> Configuration:
    """Returns the job's configuration: checkpoints, restarts, state, and how Python runs."""
    options = {
        "pipeline.name": job_name(kafka),
        "parallelism.default": job.parallelism,
        "pipeline.max-parallelism": 128,
        "pipeline.object-reuse": "true",
        "python.execution-mode": "process",  # the only mode with batches
        # Results become visible with the checkpoint, whose barrier flushes bundles: so bundles may take as
        # long. A bundle has several batches: Python reduces one while the next is being filled.
        "python.fn-execution.bundle.time": job.checkpoint_interval_ms,
        "python.fn-execution.bundle.size": 16_000,
        # A batch is in memory several times: of at most ROW_BYTES a row (weight.py).
        "python.fn-execution.arrow.batch.size": 1_000,
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": f"{job.checkpoint_interval_ms} ms",
        "execution.checkpointing.timeout": f"{job.checkpoint_timeout_ms} ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # While a broker is unavailable for minutes, many checkpoints fail in a row; the job waits for it.
        "execution.checkpointing.tolerable-failed-checkpoints": 1_000,
        "restart-strategy.type": "exponential-delay",  # without a limit of attempts
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "state.backend.type": job.state_backend,
        "execution.checkpointing.incremental": "true",
        "table.exec.state.ttl": f"{job.state_ttl_ms} ms",
        # Sums are collected until the checkpoint that makes them visible; its barrier flushes them.
        "table.exec.mini-batch.enabled": "true",
        "table.exec.mini-batch.allow-latency": f"{job.checkpoint_interval_ms} ms",
        # They are in the heap, and a visitor chooses how long names are.
        "table.exec.mini-batch.size": 4_000,
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
        # The three statements share one source and one pass through Python.
        "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
        # Operators keep their ids when the parallelism changes, so that a checkpoint can still be restored.
        "table.exec.uid.generation": "ALWAYS",
    }
    if job.checkpoints:
        options["execution.checkpointing.dir"] = job.checkpoints
    flink = Configuration()
    for name, value in options.items():
        flink.set_string(name, str(value))
    return flink


def submit(
    kafka: KafkaSettings,
    job: JobSettings,
    window: WindowSettings,
    words: WordSettings,
    pseudonyms: PseudonymSettings,
) -> None:
    """Submits the job to the cluster of this process. Raises InvalidRequest without a key of pseudonyms, and
    if Flink refuses the job."""
    # By it sessions of an earlier gate get theirs. It is checked here, where somebody sees why.
    assert pseudonyms.pseudonyms
    key = pseudonyms.pseudonym_key.get_secret_value().strip()
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance()
        .in_streaming_mode()
        .with_configuration(configuration(kafka, job))
        .build()
    )
    row = DataTypes.ROW([DataTypes.FIELD(name, _TYPES[type_]) for name, type_ in sql.REDUCED.items()])
    environment.create_temporary_system_function(
        "reduce_sessions",
        udf(
            ReduceSessions(job.sentiment, window.limit, words.further, key),
            result_type=row,
            func_type="pandas",
        ),
    )
    for statement in sql.tables(kafka, job):
        environment.execute_sql(statement)
    for name, query in sql.views("reduce_sessions"):
        # As a table, not by CREATE VIEW: each statement would take a join in such a view for one of its own,
        # and Python would reduce every message three times.
        environment.create_temporary_view(name, environment.sql_query(query))
    statements = environment.create_statement_set()
    for insert in sql.inserts():
        statements.add_insert_sql(insert)
    statements.execute()


if __name__ == "__main__":
    submit(KafkaSettings(), JobSettings(), WindowSettings(), WordSettings(), PseudonymSettings())
