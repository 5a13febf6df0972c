"""A client of Airflow's public REST API, for the demo and the tests."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from stack import airflow_passwords, logins
from stack.service import StackContext

TIMEOUT_S = 30.0
NO_REUSE = httpx.Limits(max_keepalive_connections=0)
"""Airflow closes an idle connection after 5 s, and httpx keeps one for 5 s: a call at that moment would use
a connection that Airflow is closing, and fail."""
LOGINS = 5
FINISHED = ("success", "failed")


@dataclass(frozen=True)
class Run:
    """One run of a DAG. `state`: queued, running, success or failed."""

    dag: str
    run_id: str
    state: str
    queued_at: str
    """RFC 3339, so that comparing the texts compares the times."""


class AirflowApi:
    """A client that is logged in as the stack's first admin. Raises httpx.HTTPError for an error response."""

    def __init__(self, place: StackContext) -> None:
        url = place.environment["VITRINE_AIRFLOW_URL"]
        self.url = url
        user = logins.first_admin(place.settings.users)
        self._credentials = {"username": user, "password": airflow_passwords.password(place.layout, user)}
        self._client = httpx.Client(base_url=f"{url}/api/v2", timeout=TIMEOUT_S, limits=NO_REUSE)
        self._log_in()

    def _log_in(self) -> None:
        for _ in range(LOGINS):
            answer = httpx.post(f"{self.url}/auth/token", json=self._credentials, timeout=TIMEOUT_S)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(int(answer.headers["Retry-After"]))  # others have tried wrong passwords
        answer.raise_for_status()
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = self._client.request(method, path, **more)
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # the token has run out
            self._log_in()
            answer = self._client.request(method, path, **more)
        answer.raise_for_status()
        return answer.json()

    def dags(self) -> set[str]:
        """Returns the DAGs that Airflow has loaded so far."""
        return {dag["dag_id"] for dag in self._call("GET", "/dags", params={"limit": 100})["dags"]}

    def import_errors(self) -> list[str]:
        """Returns why DAG files could not be loaded, one text per file."""
        return [
            f"{error['filename']}: {error['stack_trace'][-500:]}"
            for error in self._call("GET", "/importErrors")["import_errors"]
        ]

    def unpause(self, dag: str) -> None:
        self._call("PATCH", f"/dags/{dag}", params={"update_mask": "is_paused"}, json={"is_paused": False})

    def trigger(self, dag: str, conf: dict[str, Any] | None = None) -> Run:
        """Starts a run with `conf` as its parameters."""
        return _run(
            self._call("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf or {}})
        )

    def woken_by(self, run: Run) -> set[str]:
        """Returns the ids of the runs whose asset events started `run`; empty while another run that the same
        event started is still queued."""
        path = f"/dags/{run.dag}/dagRuns/{run.run_id}/upstreamAssetEvents"
        try:
            return source_runs(self._call("GET", path))
        except httpx.HTTPStatusError as error:
            if answers_later(error.response):
                return set()
            raise

    def returned(self, run: Run, task: str) -> Any:
        """Returns what `task` returned in `run`; None if it returned nothing."""
        path = f"/dags/{run.dag}/dagRuns/{run.run_id}/taskInstances/{task}/xcomEntries"
        if not self._call("GET", path, params={"xcom_key": "return_value"})["xcom_entries"]:
            return None
        return self._call("GET", f"{path}/return_value")["value"]

    def runs(self, dag: str, since: str) -> list[Run]:
        """Returns the runs of `dag` that were queued at `since` or later, the oldest first."""
        found = self._call("GET", f"/dags/{dag}/dagRuns", params={"limit": 100, "order_by": "-run_after"})
        runs = [_run(run) for run in found["dag_runs"]]
        return sorted((run for run in runs if run.queued_at >= since), key=lambda run: run.queued_at)


def source_runs(upstream_asset_events: dict[str, Any]) -> set[str]:
    """Returns the ids of the runs that changed the assets, from a response of `upstreamAssetEvents`."""
    return {event["source_run_id"] for event in upstream_asset_events["asset_events"]}


def answers_later(refusal: httpx.Response) -> bool:
    """True if `upstreamAssetEvents` will answer once every run that the same event started has begun.

    Airflow 3.3 requires a start date of each of these runs (`DagRunAssetReference`). A queued run has none,
    and until then Airflow responds with 500.
    """
    return refusal.status_code == httpx.codes.INTERNAL_SERVER_ERROR


def _run(found: dict[str, Any]) -> Run:
    queued = found["queued_at"] or found["run_after"]
    return Run(found["dag_id"], found["dag_run_id"], found["state"], queued)
