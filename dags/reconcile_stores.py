"""
## Do the books balance?

Once a night `./vitrine reconcile` runs here: it reads topics and stores afresh and accounts for every raw
message. The run fails, and its log names the session, where one document too many or too few is anywhere.
"""

from datetime import timedelta
from os import environ

from airflow.sdk import CronTriggerTimetable, Param, dag, task


@dag(
    schedule=CronTriggerTimetable("30 3 * * *", timezone="UTC"),
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    # No retry: books that do not balance must be seen, not tried again until they do.
    default_args={"owner": "vitrine", "retries": 0},
    params={
        "timeout_s": Param(
            600,
            type="number",
            minimum=0,
            maximum=3600,
            title="Patience",
            description="Seconds to wait for the stages to catch up with what was sent",
        )
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

        from streaming.ledger.command import BROKEN, HOLDS, run

        outcome = run(as_json=True, **json.loads(params_json))
        if outcome == BROKEN:
            raise RuntimeError("The books do not balance: the log above names the first that breaks them.")
        if outcome != HOLDS:
            raise RuntimeError("The books could not be checked: the log above says why.")

    reconcile("{{ params | tojson }}")


reconcile_stores()
