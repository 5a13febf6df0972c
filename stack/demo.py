"""`./vitrine demo`: starts the stack, sends sessions, runs the DAGs, reconciles and prints where to look."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stack import lifecycle, status
from stack.airflow_api import FINISHED, AirflowApi
from stack.context import this_checkout
from stack.demo_dags import MODELS, SKIPPED, Followed, Models, notice
from stack.progress import Progress
from stack.service import StackContext, StackError
from streaming.contract.topology import STAGES
from streaming.kafka.offsets import lag
from streaming.settings import DataSettings, ElasticsearchSettings, KafkaSettings

STAGES_TIMEOUT_S = 600
DAGS_TIMEOUT_S = 1_800
DAGS_READ_TIMEOUT_S = 180
POLL_S = 1.0
# Each DAG and the DAG whose asset starts it. If it was not started after this time, the demo starts it.
CHAIN = (
    ("extract_sessions", None),
    ("similar_users", "extract_sessions"),
    ("private_models", "extract_sessions"),
    ("shap_reports", "private_models"),
)
WOKEN_WITHIN_S = 45

Tell = Callable[[str, str], None]


@dataclass
class DemoOutcome:
    """What `demo --json` prints."""

    sessions: int
    holds: bool = False
    seconds: float = 0
    dags: dict[str, str] = field(default_factory=dict)
    not_trained: str | None = None
    """Why no models were trained on these sessions; None unless the privacy budget does not allow it."""
    reconcile: dict[str, Any] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def run(sessions: int, seed: int) -> DemoOutcome:
    """Runs the demo. Raises Missing or StackError if it cannot be completed."""
    began, outcome = time.monotonic(), DemoOutcome(sessions)
    with Progress() as progress:
        lifecycle.bring_up((), progress.tell)
        place = this_checkout()
        since = datetime.now(UTC).isoformat()
        progress.tell("simulated sessions", f"sending {sessions:,} …")
        _simulate(sessions, seed)
        progress.tell("simulated sessions", f"{sessions:,} sent")
        wait_for_stages(progress.tell)
        progress.say(first_figures(time.monotonic() - began))
        outcome.dags, outcome.not_trained = run_dags(AirflowApi(place), since, progress.tell)
        progress.tell("reconcile", "comparing all stores with the log …")
        outcome.reconcile = _reconcile()
        agrees = bool(outcome.reconcile.get("holds"))
        progress.tell("reconcile", "all stores agree" if agrees else "the stores do NOT agree")
    outcome.holds = agrees and all(state in ("success", SKIPPED) for state in outcome.dags.values())
    outcome.addresses = {
        "airflow": place.environment["VITRINE_AIRFLOW_URL"],
        "flink": place.environment["VITRINE_FLINK_URL"],
        "elasticsearch": place.environment["VITRINE_ELASTICSEARCH_URL"],
        "kafka": place.environment["VITRINE_KAFKA_BOOTSTRAP_SERVERS"],
    }
    outcome.seconds = round(time.monotonic() - began, 1)
    progress.say(_ending(place, outcome))
    return outcome


def _simulate(sessions: int, seed: int) -> None:
    """Sends the sessions, in a process of its own because it shows a progress of its own."""
    command = [
        sys.executable,
        "-m",
        "stack",
        "simulate",
        "--json",
        "--sessions",
        str(sessions),
        "--seed",
        str(seed),
    ]
    sent = subprocess.run(command, capture_output=True, text=True, check=False)
    if sent.returncode:
        raise StackError(f"the simulator could not send its sessions:\n{sent.stderr[-1000:]}")


def wait_for_stages(tell: Tell, timeout_s: float = STAGES_TIMEOUT_S) -> None:
    """Returns when every stage has committed all records of its topic. Raises StackError, naming the stage,
    if one has not after `timeout_s`."""
    settings, deadline = KafkaSettings(), time.monotonic() + timeout_s
    for stage in STAGES:
        name = stage.name
        while behind := lag(settings, stage.group, stage.reads):
            tell(f"stage {name}", f"{behind:,} records left …")
            if time.monotonic() > deadline:
                raise StackError(f"{name} is still {behind:,} records behind after {timeout_s:.0f} s", name)
            time.sleep(POLL_S)
        tell(f"stage {name}", "has processed everything")


def first_figures(seconds: float) -> str:
    """Returns one sentence with figures from Elasticsearch, as the dashboards show them now."""
    from streaming.sinks.elasticsearch.connection import client

    settings = ElasticsearchSettings()
    summaries = f"{settings.index_prefix}session_summaries"
    wanted: dict[str, dict[str, Any]] = {
        "purchases": {"filter": {"term": {"purchaseMade": True}}},
        "revenue": {"sum": {"field": "amountSpentCents"}},
        "users": {"cardinality": {"field": "userPseudonym"}},
    }
    with client(settings) as elasticsearch:
        elasticsearch.indices.refresh(index=summaries)
        answer = elasticsearch.search(index=summaries, size=0, track_total_hits=True, aggs=wanted)
    found, total = answer["aggregations"], answer["hits"]["total"]["value"]
    share = found["purchases"]["doc_count"] / total if total else 0
    return (
        f"After {seconds:.0f} s the dashboards show {total:,} sessions of about "
        f"{found['users']['value']:,} users; {share:.1%} of the sessions ended in a purchase, "
        f"for {found['revenue']['value'] / 100:,.0f} in all."
    )


def run_dags(api: AirflowApi, since: str, tell: Tell) -> tuple[dict[str, str], str | None]:
    """Starts the chain of DAGs. When all have ended, returns the state of each, and why no models were
    trained (None unless the privacy budget does not allow it). To spare that budget, not every extraction
    starts a training; if this one came too soon after the last, the demo triggers a training, once."""
    _await_dags(api, tell)
    for dag, _ in reversed(CHAIN):
        api.unpause(dag)
    models = Models(api, api.trigger("extract_sessions").run_id)
    deadline = time.monotonic() + DAGS_TIMEOUT_S
    ended_at: dict[str, float] = {}
    states: dict[str, str] = {}
    while len(ended_at) < len(CHAIN):
        for dag, waker in CHAIN:
            followed = models if dag == MODELS else Followed(api, dag)
            runs = api.runs(dag, since)
            unfinished = [run for run in runs if run.state not in FINISHED]
            own = followed.own(runs)
            if waker is not None and waker not in ended_at:
                ended_at.pop(dag, None)
                tell(f"DAG {dag}", f"waiting for {waker} …")
            elif not own and waker and states[waker] == SKIPPED:
                ended_at.setdefault(dag, time.monotonic())
                states[dag] = SKIPPED
                tell(f"DAG {dag}", SKIPPED)
            elif unfinished or not own:
                ended_at.pop(dag, None)
                tell(f"DAG {dag}", f"{unfinished[0].state if unfinished else 'not started yet'} …")
                # An unfinished run may be the one of this demo: which run woke it is known once it has
                # started.
                if waker and not (own or unfinished) and time.monotonic() - ended_at[waker] > WOKEN_WITHIN_S:
                    followed.trigger()
            elif (state := followed.outcome(own)) is None:
                followed.trigger()
            else:
                ended_at.setdefault(dag, time.monotonic())
                states[dag] = state
                tell(f"DAG {dag}", state)
                if state == "failed":
                    tell(f"DAG {dag}", f"failed: {api.url}/dags/{dag}/runs/{own[-1].run_id}")
                    return states, models.not_trained
        if time.monotonic() > deadline:
            raise StackError(f"the DAGs have not ended after {DAGS_TIMEOUT_S} s", "airflow-scheduler")
        time.sleep(POLL_S)
    return states, models.not_trained


def _await_dags(api: AirflowApi, tell: Tell) -> None:
    """Returns when Airflow has loaded all DAGs of the chain. Raises StackError after DAGS_READ_TIMEOUT_S."""
    deadline = time.monotonic() + DAGS_READ_TIMEOUT_S
    while missing := {dag for dag, _ in CHAIN} - api.dags():
        tell("DAGs", f"Airflow has not loaded {', '.join(sorted(missing))} yet …")
        if time.monotonic() > deadline:
            errors = "\n".join(api.import_errors()) or "no import errors are reported"
            raise StackError(
                f"Airflow has not loaded {', '.join(sorted(missing))}: {errors}", "airflow-dag-processor"
            )
        time.sleep(POLL_S)
    tell("DAGs", "loaded")


def _reconcile() -> dict[str, Any]:
    """Runs `./vitrine reconcile --json` in a process, as a user would, and returns its object."""
    done = subprocess.run(
        [sys.executable, "-m", "stack", "reconcile", "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    try:
        return dict(json.loads(done.stdout))
    except ValueError:
        raise StackError(f"reconcile ended with exit code {done.returncode} and no result") from None


def _ending(place: StackContext, outcome: DemoOutcome) -> str:
    lines = [
        f"Done in {outcome.seconds:.0f} s; everything keeps running (./vitrine down stops it).",
        status.login(place),
        *filter(None, [status.new_logins(place)]),
    ]
    lines += [f"{name.capitalize()}: {url}" for name, url in outcome.addresses.items() if name != "airflow"]
    if outcome.not_trained:
        lines.append(notice(outcome.not_trained, DataSettings().layout.reports))
    return "\n".join(lines)
