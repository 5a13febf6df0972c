"""
## What is older than its store keeps is deleted

Runs every night, after the stores were compared, and does what `./vitrine retention` does: deletes sessions
in MongoDB, slices in Elasticsearch and rows of extracts by event time and whole months, and what is kept of
runs by its last change. The settings are `VITRINE_RETENTION_…`; the page *Retention* shows each with the
oldest that is kept, and what was deleted when. A run that was interrupted is tried again and goes on where it
was.

To see what is due without deleting anything, trigger with `dry_run`: the log of the task says it.

If rows of extracts were deleted, the asset `expired_extracts` is updated: `similar_users` computes its result
again without them.
"""

from datetime import timedelta
from os import environ
from typing import Any

from airflow.sdk import Asset, CronTriggerTimetable, Param, dag, task

from streaming import dag_values
from streaming.dag_values import FRAME, TASKS

EXPIRED = Asset(dag_values.EXPIRED_EXTRACTS)


@dag(
    schedule=CronTriggerTimetable("40 5 * * *", timezone="UTC"),
    **FRAME,
    dagrun_timeout=timedelta(hours=6),
    default_args=TASKS | {"retries": 3},
    params={
        "dry_run": Param(
            False, type="boolean", title="Dry run", description="Only say what is due, and delete nothing"
        ),
    },
    tags=["vitrine", "privacy"],
    doc_md=__doc__,
)
def retention() -> None:
    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=3)
    )
    def enforce(params_json: str) -> int:
        """Deletes what is due and returns how many rows of extracts that were."""
        import json

        from streaming.process.exit_code import ExitCode
        from streaming.retention.command import carry_out
        from streaming.retention.plan import EXTRACTS
        from streaming.retention.run import Done

        dry_run = json.loads(params_json)["dry_run"]
        done: list[Done] = []
        if carry_out(dry_run, True, done.extend) != ExitCode.DONE:
            raise RuntimeError("What has expired could not be deleted: the log above contains the reason.")
        return 0 if dry_run else sum(one.amount for one in done if one.place == EXTRACTS)

    @task(outlets=[EXPIRED])
    def announce(rows: Any) -> None:
        """Updates the asset if rows of extracts were deleted."""
        from airflow.sdk.exceptions import AirflowSkipException

        if not rows:
            raise AirflowSkipException("No row of an extract was deleted.")

    announce(enforce("{{ params | tojson }}"))


retention()
