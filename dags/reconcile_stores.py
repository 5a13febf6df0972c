"""
## Do the stores agree?

Runs `./vitrine reconcile` every night: it reads topics and stores again and checks what became of every raw
message. The run fails if any message or document is missing, is there though it should not be, or has another
content than it should; the log names the first session concerned, by a label of the day (page *Whose label*).

To check only what arrived in a past period, trigger with `from`, `to` or both.
"""

from datetime import timedelta
from os import environ

from airflow.sdk import CronTriggerTimetable, Param, dag, task

from streaming.dag_values import FRAME, MOMENT, TASKS


@dag(
    schedule=CronTriggerTimetable("30 3 * * *", timezone="UTC"),
    **FRAME,
    dagrun_timeout=timedelta(hours=2),
    # No retry: a discrepancy must be seen, even if it would be gone at the next attempt.
    default_args=TASKS | {"retries": 0},
    params={
        "from": Param(None, **MOMENT, title="From", description="Check what arrived at or after this time"),
        "to": Param(None, **MOMENT, title="To", description="… and before this time. Both empty: everything"),
        "timeout_s": Param(
            600,
            type="number",
            minimum=0,
            maximum=3600,
            title="Timeout",
            description="Seconds to wait for the stages to process what was sent",
        ),
    },
    tags=["vitrine", "ledger"],
    doc_md=__doc__,
)
def reconcile_stores() -> None:
    @task.external_python(
        python=environ["VITRINE_MAIN_PYTHON"], expect_airflow=False, execution_timeout=timedelta(hours=2)
    )
    def reconcile(params_json: str) -> None:
        import json

        from streaming.access_record.file import stored_record
        from streaming.process.exit_code import ExitCode
        from streaming.reconcile import last_verdict
        from streaming.reconcile.command import run_with

        params = json.loads(params_json)
        start, end = params["from"], params["to"]

        def label(session: str) -> str:
            return stored_record().label("session", session)  # analysts read this task's log

        code = run_with(label, True, params["timeout_s"], start, end)
        outcome = last_verdict.keep(code, whole=not (start or end))
        if outcome == ExitCode.NOT_SO:
            raise RuntimeError("The stores do not agree: the log above names the first discrepancy.")
        if outcome != ExitCode.DONE:
            raise RuntimeError("The stores could not be compared: the log above contains the reason.")

    reconcile("{{ params | tojson }}")


reconcile_stores()
