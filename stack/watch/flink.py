"""The probe of Flink: whether the job runs, how often it was restarted, when it was last safe."""

from typing import Any

import httpx

from streaming.metrics import declared
from streaming.metrics.kinds import Reading

TIMEOUT_S = 5.0


class FlinkProbe:
    """Asks the JobManager at `url` for the job called `job`; raises httpx.HTTPError while it does not
    answer."""

    def __init__(self, url: str, job: str) -> None:
        self._client, self._job = httpx.Client(base_url=url, timeout=TIMEOUT_S), job

    def __call__(self) -> list[Reading]:
        found = [job for job in self._get("/jobs/overview")["jobs"] if job["name"] == self._job]
        if not found:
            return [Reading(declared.FLINK_JOB_RUNNING, 0)]
        job = max(found, key=lambda one: int(one["start-time"]))
        running = job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"] > 0
        readings = [Reading(declared.FLINK_JOB_RUNNING, float(running))]
        for metric in self._get(f"/jobs/{job['jid']}/metrics", get="numRestarts"):
            readings.append(Reading(declared.FLINK_JOB_RESTARTS, float(metric["value"])))
        if completed := self._get(f"/jobs/{job['jid']}/checkpoints")["latest"]["completed"]:
            taken_s = completed["trigger_timestamp"] / 1000
            readings.append(Reading(declared.FLINK_CHECKPOINT, taken_s))
        return readings

    def _get(self, path: str, **asked: str) -> Any:
        return self._client.get(path, params=asked).raise_for_status().json()
