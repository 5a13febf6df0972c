"""
## Do the books balance?

Once a night `./vitrine reconcile` runs here: it reads topics and stores afresh and accounts for every raw
message. The run fails, and its log names the session that breaks the books first, where one message or
document is too many or too few anywhere, or another than it must be.

To judge what arrived in a past period alone, trigger with `from`, `to` or both.
"""

from datetime import timedelta
from os import environ

from airflow.sdk import CronTriggerTimetable, Param, dag, task

from streaming.dag_values import FRAME, MOMENT, TASKS


@dag(
    schedule=CronTriggerTimetable("30 3 * * *", timezone="UTC"),
    **FRAME,
    dagrun_timeout=timedelta(hours=2),
    # No retry: books that do not balance must be seen, not tried again until they do.
    default_args=TASKS | {"retries": 0},
    params={
        "from": Param(None, **MOMENT, title="From", description="Judge what arrived from here on"),
        "to": Param(None, **MOMENT, title="To", description="… and before here. Both empty: all there is"),
        "timeout_s": Param(
            600,
            type="number",
            minimum=0,
            maximum=3600,
            title="Patience",
            description="Seconds to wait for the stages to catch up with what was sent",
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

        from streaming.process.exit_code import ExitCode
        from streaming.reconcile import last_verdict
        from streaming.reconcile.command import run

        params = json.loads(params_json)
        start, end = params["from"], params["to"]
        outcome = last_verdict.kept(run(True, params["timeout_s"], start, end), whole=not (start or end))
        if outcome == ExitCode.NOT_SO:
            raise RuntimeError("The books do not balance: the log above names the first that breaks them.")
        if outcome != ExitCode.DONE:
            raise RuntimeError("The books could not be checked: the log above says why.")

    reconcile("{{ params | tojson }}")


reconcile_stores()
