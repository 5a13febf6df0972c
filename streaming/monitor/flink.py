"""The probe of Flink: whether the job runs, its restarts, its last checkpoint and the size of its state."""

from typing import Any

import httpx

from streaming.flink.cluster import client
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading
from streaming.settings import FlinkRestSettings

TIMEOUT_S = 5.0


class FlinkProbe:
    """Reads the state of the job called `job` from the JobManager. Raises httpx.HTTPError if it does not
    answer, and OSError if its certificate does not exist yet."""

    def __init__(self, settings: FlinkRestSettings, job: str) -> None:
        self._settings, self._job = settings, job

    def __call__(self) -> list[Reading]:
        # Reads the certificate again each time: a restart of Flink may have made a new one.
        with client(self._settings, TIMEOUT_S) as rest:
            return self._readings(rest)

    def _readings(self, rest: httpx.Client) -> list[Reading]:
        def get(path: str, **parameters: str) -> Any:
            return rest.get(path, params=parameters).raise_for_status().json()

        found = [job for job in get("/jobs/overview")["jobs"] if job["name"] == self._job]
        if not found:
            return [Reading(catalogue.FLINK_JOB_RUNNING, 0)]
        job = max(found, key=lambda one: int(one["start-time"]))
        running = job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0
        readings = [Reading(catalogue.FLINK_JOB_RUNNING, float(running))]
        for metric in get(f"/jobs/{job['jid']}/metrics", get="numRestarts"):
            readings.append(Reading(catalogue.FLINK_JOB_RESTARTS, float(metric["value"])))
        if completed := get(f"/jobs/{job['jid']}/checkpoints")["latest"]["completed"]:
            taken_s = completed["trigger_timestamp"] / 1000
            readings.append(Reading(catalogue.FLINK_CHECKPOINT, taken_s))
            readings.append(Reading(catalogue.FLINK_STATE_BYTES, float(completed["state_size"])))
        return readings
