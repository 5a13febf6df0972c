"""Submits lab.benchmarks.pass_through: `flink run -d -py lab/benchmarks/flink_pass_through.py`."""

from pyflink.table import EnvironmentSettings, TableEnvironment

from lab.benchmarks.pass_through import statements
from streaming.settings import KafkaSettings
from streaming.summaries.job import configuration
from streaming.summaries.settings import JobSettings

if __name__ == "__main__":
    kafka, job = KafkaSettings(), JobSettings()
    flink = configuration(kafka, job).set_string("pipeline.name", kafka.topic_prefix + "pass-through")
    environment = TableEnvironment.create(
        EnvironmentSettings.new_instance().in_streaming_mode().with_configuration(flink).build()
    )
    for statement in statements(kafka, job):
        environment.execute_sql(statement)
