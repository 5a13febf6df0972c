"""
## Erasures that were asked for, and whether they were carried out

On the page *Erasures* op and admin ask for a person to be erased; it is written down by pseudonym. Erasing
stops the stages and writes the log anew, which nothing inside Airflow can or may do: on the machine,
`./vitrine person erase --pending` carries out all open requests at once, by hand or by a timer (the runbook
has one). This DAG sees to it: every hour it names the requests that are open, by their own ids, and fails if
one is older than `VITRINE_PERSON_OVERDUE_HOURS`, or was interrupted.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task

from streaming.dag_values import FRAME, TASKS


@dag(
    schedule=CronTriggerTimetable("20 * * * *", timezone="UTC"),
    **FRAME,
    dagrun_timeout=timedelta(minutes=30),
    default_args=TASKS,
    tags=["vitrine", "privacy"],
    doc_md=__doc__,
)
def person() -> None:
    @task
    def open_requests() -> None:
        """Logs the open requests, and fails if one is overdue."""
        import time

        from airflow.sdk.exceptions import AirflowFailException

        from streaming.person.erasure_list import stored_list
        from streaming.person.erasures import overdue, still_open
        from streaming.person.settings import PersonSettings

        found = still_open(stored_list().requests())
        now_ms, hours = time.time_ns() // 1_000_000, PersonSettings().overdue_hours
        for one in found:
            asked_h = (now_ms - one.requested_ms) / 3_600_000
            print(f"request {one.id}: {one.state}, asked for {asked_h:.1f} h ago")
        late = overdue(found, now_ms, hours * 3_600_000)
        if late:
            raise AirflowFailException(
                f"{len(late)} of {len(found)} open erasures are overdue or were interrupted: carry them out "
                "with ./vitrine person erase --pending"
            )

    open_requests()


person()
