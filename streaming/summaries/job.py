"""The Flink job: sessions in, summaries, product figures and sentiment out, each exactly once.

    flink run -d -py streaming/summaries/job.py            (from a retained checkpoint: -s <path of chk-N>)

Settings come from the submitting process's environment: KafkaSettings (VITRINE_KAFKA_*) and JobSettings
(VITRINE_FLINK_*). The job is called `<topic prefix>session-summaries`. On client and TaskManager the Python
environment must have this project installed (`python.client.executable`, `python.executable`), and Flink's
lib folder the Kafka connector and flink-python.

Bytes are read as they are, decoded and reduced once, a batch at a time, by a Python function (Arrow in and
out, in a process beside the TaskManager), and everything after it is SQL in the JVM. Row by row in thread
mode was several times slower, Python keyed state would be slower still. There are no watermarks: the gate has
already decided what is late, so no window ever closes and an idle partition holds up nothing. Windows are
running totals instead, written as upserts that Elasticsearch replaces by id.
"""

from typing import Any

import pandas as pd
from pyflink.common import Configuration
from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import FunctionContext, ScalarFunction, udf

from streaming.process import garbage_collection
from streaming.settings import KafkaSettings
from streaming.summaries import sql
from streaming.summaries.batch import reduce
from streaming.summaries.settings import JobSettings, job_name
from streaming.summaries.worker_life import end_with_task_manager

_TYPES = {
    "STRING": DataTypes.STRING(),
    "BYTES": DataTypes.BYTES(),
    "ARRAY<ARRAY<STRING>>": DataTypes.ARRAY(DataTypes.ARRAY(DataTypes.STRING())),
}


class ReduceSessions(ScalarFunction):  # type: ignore[misc]
    """`batch.reduce` as Flink calls it: a series of messages, a frame of as many rows."""

    def __init__(self, sentiment: bool) -> None:
        self.sentiment = sentiment

    def open(self, function_context: FunctionContext) -> None:
        """Once a worker."""
        end_with_task_manager()
        garbage_collection.tune_for_batches()

    def eval(self, messages: "pd.Series[Any]") -> pd.DataFrame:
        return pd.DataFrame(reduce(messages, self.sentiment))


def configuration(kafka: KafkaSettings, job: JobSettings) -> Configuration:
    """How the job runs: checkpoints, restarts, state and the place of Python."""
    options = {
        "pipeline.name": job_name(kafka),
        "parallelism.default": job.parallelism,
        "pipeline.max-parallelism": 128,
        "pipeline.object-reuse": "true",
        "python.execution-mode": "process",  # the only one that hands over batches
        # Results wait for the checkpoint anyway, and its barrier flushes what is under way: bundles may take
        # as long, and hold several batches, of which Python reduces one while the next is being filled.
        "python.fn-execution.bundle.time": job.checkpoint_interval_ms,
        "python.fn-execution.bundle.size": 20_000,
        "python.fn-execution.arrow.batch.size": 4_000,
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.interval": f"{job.checkpoint_interval_ms} ms",
        "execution.checkpointing.timeout": f"{job.checkpoint_timeout_ms} ms",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A broker that is away for minutes fails many checkpoints in a row; the job waits for it.
        "execution.checkpointing.tolerable-failed-checkpoints": 1_000,
        "restart-strategy.type": "exponential-delay",  # without an end of attempts
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "10 s",
        "state.backend.type": job.state_backend,
        "execution.checkpointing.incremental": "true",
        "table.exec.state.ttl": f"{job.state_ttl_ms} ms",
        # Sums are gathered up to the checkpoint that makes them visible anyway, and flushed by its barrier.
        "table.exec.mini-batch.enabled": "true",
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


def submit(kafka: KafkaSettings, job: JobSettings) -> None:
    """Starts the job on the cluster that this process was pointed at. Raises if Flink refuses it."""
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance()
        .in_streaming_mode()
        .with_configuration(configuration(kafka, job))
        .build()
    )
    row = DataTypes.ROW([DataTypes.FIELD(name, _TYPES[type_]) for name, type_ in sql.REDUCED.items()])
    environment.create_temporary_system_function(
        "reduce_sessions", udf(ReduceSessions(job.sentiment), result_type=row, func_type="pandas")
    )
    for statement in (*sql.tables(kafka, job), sql.view("reduce_sessions")):
        environment.execute_sql(statement)
    statements = environment.create_statement_set()
    for insert in sql.inserts():
        statements.add_insert_sql(insert)
    statements.execute()


if __name__ == "__main__":
    submit(KafkaSettings(), JobSettings())
