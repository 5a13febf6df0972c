"""
## Valid sessions, from MongoDB to Parquet

Runs every hour, and as soon as the gate announces on the Kafka topic `extraction_due` that enough new
sessions have arrived.

1. **await_stages** waits until the gate and the store have processed every session that arrived before this
run began. Therefore no session is skipped because it was written to MongoDB late, for example after an
outage.
2. **extract** writes the sessions that no file covers yet to `extracts/sessions/part-<from>-<to>.parquet`
(milliseconds of arrival, half-open): one row per session, without names, e-mail addresses, cities or review
texts, and with what its user has said of personalisation and training.

To extract a past period again, trigger with `from`, `to` or both: every file that overlaps the period is
rewritten. Any run also rewrites files that an earlier version of Vitrine wrote with other columns. A run
that finds nothing new is skipped, and starts no other DAG; otherwise it updates the asset `sessions_extract`.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable, Param, dag, task

from streaming import dag_values
from streaming.contract import topics
from streaming.dag_values import FRAME, MOMENT, TASKS
from streaming.settings import KafkaSettings

EXTRACT = Asset(dag_values.EXTRACT)
DUE = Asset(
    "extraction_due",
    watchers=[
        AssetWatcher(
            name="extraction_due",
            trigger=MessageQueueTrigger(
                scheme="kafka",
                kafka_config_id="kafka_default",
                topics=[KafkaSettings().topic_prefix + topics.EXTRACTION_DUE],
                apply_function="streaming.contract.extraction_due.wake",
            ),
        )
    ],
)

STAGES_TIMEOUT_S = 900


@dag(
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 * * * *", timezone="UTC"), assets=[DUE]),
    **FRAME,  # two runs at the same time would write the same files
    dagrun_timeout=timedelta(hours=6),
    default_args=TASKS | {"retries": 3},
    params={
        "from": Param(
            None, **MOMENT, title="From", description="Extract again what arrived at or after this time"
        ),
        "to": Param(
            None, **MOMENT, title="To", description="… and before this time. Both empty: only new sessions"
        ),
    },
    tags=["vitrine", "sessions"],
    doc_md=__doc__,
)
def extract_sessions() -> None:
    @task(execution_timeout=timedelta(seconds=STAGES_TIMEOUT_S + 120))
    def await_stages(params: dict[str, Any]) -> int:
        """Waits until MongoDB holds every valid session of the period that arrived before a moment; returns
        that moment in milliseconds."""
        import time

        from airflow.sdk.exceptions import AirflowFailException

        from streaming.contract.period import period
        from streaming.extraction import frontier

        try:
            requested = period(params["from"], params["to"])
        except ValueError as error:
            raise AirflowFailException(str(error)) from None
        until_ms = time.time_ns() // 1_000_000
        if requested is not None:
            until_ms = min(until_ms, requested.to_ms)
        frontier.wait(KafkaSettings(), until_ms, STAGES_TIMEOUT_S)
        return until_ms

    @task(execution_timeout=timedelta(hours=2), inlets=[EXTRACT], outlets=[EXTRACT])
    def extract(until_ms: int, params: dict[str, Any], inlet_events: Any, outlet_events: Any) -> None:
        """Writes the files and announces them; also those that an earlier attempt wrote, but died before it
        announced them."""
        from airflow.providers.mongo.hooks.mongo import MongoHook
        from airflow.sdk.exceptions import AirflowSkipException

        from ml.features.session_row import COLUMNS, session_row
        from streaming.contract.period import period
        from streaming.data_folder.alone import alone
        from streaming.extraction import pages, parquet, windows
        from streaming.settings import DataSettings, MongoSettings

        folder = DataSettings().layout.extract
        requested = period(params["from"], params["to"])
        rows = 0
        with alone(folder), MongoHook() as mongo:  # retention rewrites files too
            parquet.prepare(folder)
            sessions = mongo.get_collection("sessions", mongo_db=MongoSettings().database)
            files, outdated = parquet.extracted(folder), parquet.outdated(folder, COLUMNS)
            for window in windows.plan(files, until_ms, requested, outdated):
                found = pages.pages(sessions, window)
                rows += parquet.write(folder, window, found, session_row, COLUMNS)

        extracted = parquet.extracted(folder)
        extracted_to_ms = extracted[-1].to_ms if extracted else 0
        announced = inlet_events[EXTRACT]
        announced_to_ms = windows.announced_to_ms(announced[-1].extra) if announced else 0
        if rows == 0 and extracted_to_ms <= announced_to_ms:
            raise AirflowSkipException(
                "No session has arrived since the last extraction: nothing to extract."
            )
        # No count of rows: everyone with a login reads an event's extra.
        outlet_events[EXTRACT].extra = {"files": len(extracted), "extracted_to_ms": extracted_to_ms}

    extract(await_stages())


extract_sessions()
