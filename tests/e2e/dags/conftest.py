"""An Airflow, a gate and a store of their own beside the running stack: the stack's own declarations, under a
topic prefix, a database, a key prefix and folders that nobody else uses."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from confluent_kafka.admin import AdminClient
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.database import Database
from redis import Redis
from waiting import HUNG_S, free_port, until

from ml.budget.ledger import Ledger
from ml.budget.mongo import DATASET, MongoAccounts
from ml.budget.outer_file import OuterFileInFolder
from ml.budget.settings import BudgetSettings
from stack import airflow_passwords, logins
from stack.airflow_api import NO_REUSE, answers_later, source_runs
from stack.components import airflow as declared
from stack.components import stages
from stack.layout import HERE, Layout
from stack.service import Service, StackContext, Unhealthy
from stack.settings import StackSettings, environment
from streaming.data_folder.layout import DataLayout
from streaming.kafka import clients
from streaming.process.exit_code import ExitCode
from streaming.settings import KafkaSettings, MongoSettings

FINISHED = ("success", "failed")
CHAIN_HUNG_S = 4 * HUNG_S
"""What starts processes and trains models takes minutes where nothing is wrong."""


@dataclass(frozen=True)
class Shop:
    """The isolated stack of these tests."""

    place: StackContext
    api: httpx.Client
    database: Database[dict[str, Any]]
    data: Path

    def send(self, sessions: int, seed: int) -> None:
        """Sends simulated traffic to the raw topic."""
        python = str(self.place.layout.python("main"))
        command = [python, "-m", "streaming.simulate", str(sessions), str(seed)]

        def has_sent() -> bool:
            """False if Kafka did not answer in time. Messages that it had accepted by then stay."""
            sent = subprocess.run(command, env=_variables(self.place), check=False, capture_output=True)
            assert sent.returncode in (ExitCode.DONE, ExitCode.UNAVAILABLE), sent.stderr
            return sent.returncode == ExitCode.DONE

        until(has_sent, "the traffic to be sent")

    def kafka(self) -> KafkaSettings:
        return _kafka(self.place)

    def trigger(self, dag: str, **conf: object) -> httpx.Response:
        return self.api.post(f"/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})

    def run(self, dag: str, **conf: object) -> dict[str, Any]:
        """Triggers a run and returns it when it has ended."""
        answer = self.trigger(dag, **conf)
        assert answer.status_code == httpx.codes.OK, answer.text
        return self.ended(dag, answer.json()["dag_run_id"])

    def ended(self, dag: str, run_id: str) -> dict[str, Any]:
        def look() -> Any:
            run = self.api.get(f"/dags/{dag}/dagRuns/{run_id}").raise_for_status().json()
            return run if run["state"] in FINISHED else None

        return dict(until(look, f"an end of {dag} {run_id}", hung_s=CHAIN_HUNG_S))

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """The runs of `dag`, the oldest first."""
        found = self.api.get(f"/dags/{dag}/dagRuns", params={"limit": 100, "order_by": "run_after"})
        return list(found.raise_for_status().json()["dag_runs"])

    def quiet(self, *dags: str) -> None:
        """Waits until none of `dags` has a run that is not over."""

        def look() -> bool:
            return all(run["state"] in FINISHED for dag in dags for run in self.runs(dag))

        until(look, f"rest of {dags}", hung_s=CHAIN_HUNG_S)

    def states(self, run: dict[str, Any]) -> dict[str, str]:
        """The state of each task of `run`."""
        found = self.api.get(f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances")
        return {task["task_id"]: task["state"] for task in found.raise_for_status().json()["task_instances"]}

    def wakers(self, run: dict[str, Any]) -> set[str]:
        """The ids of the runs whose assets woke `run`; none while one of the runs woken with it is queued."""
        found = self.api.get(f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/upstreamAssetEvents")
        return set() if answers_later(found) else source_runs(found.raise_for_status().json())

    def ledger(self) -> Ledger:
        """Of the privacy budget."""
        own = {name: self.place.environment[name] for name in ("MONGO_URI", "VITRINE_MONGO_DATABASE")}
        outer = OuterFileInFolder(DataLayout(self.data).ledger, DATASET)
        return Ledger(MongoAccounts(MongoSettings.model_validate(own)), outer, DATASET, BudgetSettings())

    def log(self, run: dict[str, Any], task: str) -> str:
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances/{task}/logs/1"
        return self.api.get(path, headers={"Accept": "application/x-ndjson"}).raise_for_status().text


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    place = _place(tmp_path_factory.mktemp("vitrine"))
    clients.ensure_topics(_kafka(place))
    with ExitStack() as stack:
        stack.callback(_forget, place)
        mongo = stack.enter_context(MongoClient[dict[str, Any]](place.environment["MONGO_URI"]))
        database = mongo[place.environment["VITRINE_MONGO_DATABASE"]]
        stack.callback(mongo.drop_database, database.name)
        pipeline = [service for service in stages.services(place) if service.name in ("gate", "store")]
        started = [
            (service, stack.enter_context(_running(place, service)))
            for service in (*declared.services(place), *pipeline)
        ]
        for service, process in started:
            _healthy(place, service, process)
        with _log_in(place) as api:
            yield Shop(place, api, database, Path(place.environment["VITRINE_DATA_DIR"]))
        for _, process in started:
            _signal_group(process, signal.SIGTERM)  # all at once: each takes its time


def _place(root: Path) -> StackContext:
    for name in ("dags", "plugins", "dashboards"):
        (root / name).symlink_to(HERE.root / name)
    layout, own_name = Layout(root), f"dags{uuid4().hex[:8]}"
    layout.state.mkdir()
    (layout.state / "envs").symlink_to(HERE.state / "envs")
    for folder in (layout.run, layout.logs, layout.data):
        folder.mkdir()
    port = free_port()
    settings = StackSettings(airflow_port=port, port_offset=0)
    own = {
        "VITRINE_AIRFLOW_URL": f"http://127.0.0.1:{port}",
        "VITRINE_DATA_DIR": str(layout.data),
        "VITRINE_KAFKA_TOPIC_PREFIX": f"{own_name}-",
        "VITRINE_REDIS_KEY_PREFIX": f"{own_name}:",
        "VITRINE_MONGO_DATABASE": own_name,
        "VITRINE_ELASTICSEARCH_INDEX_PREFIX": f"{own_name}-",
        "VITRINE_GATE_EXTRACTION_EVERY": "1000",
        "VITRINE_GATE_SESSION_CAPACITY": "100000",
        "VITRINE_GATE_USER_CAPACITY": "100000",
    }
    shared = environment(StackSettings(), HERE, os.environ)
    # The services use the admin's credentials: the rights of their own are on the stack's own names.
    return StackContext(
        layout=layout,
        settings=settings,
        environment=shared | own,
        external=frozenset(),
        principal=None,
    )


def _kafka(place: StackContext) -> KafkaSettings:
    return KafkaSettings(
        bootstrap_servers=place.environment["VITRINE_KAFKA_BOOTSTRAP_SERVERS"],
        client_properties=SecretStr(place.environment["VITRINE_KAFKA_CLIENT_PROPERTIES"]),
        topic_prefix=place.environment["VITRINE_KAFKA_TOPIC_PREFIX"],
    )


def _forget(place: StackContext) -> None:
    """Leaves Kafka and Redis as they were."""
    kafka = _kafka(place)
    admin = AdminClient(clients.properties(kafka))
    own = [
        topic for topic in admin.list_topics(timeout=HUNG_S).topics if topic.startswith(kafka.topic_prefix)
    ]
    for deleted in admin.delete_topics(own).values():
        deleted.result(HUNG_S)
    with Redis.from_url(place.environment["VITRINE_REDIS_URL"]) as redis:
        for key in redis.scan_iter(match=f"{place.environment['VITRINE_REDIS_KEY_PREFIX']}*", count=1_000):
            redis.delete(key)


def _variables(place: StackContext) -> dict[str, str]:
    return dict(os.environ) | dict(place.environment)


@contextmanager
def _running(place: StackContext, service: Service) -> Iterator[subprocess.Popen[bytes]]:
    if service.prepare is not None:
        service.prepare()
    with place.layout.log(service.name).open("wb") as log:
        process = subprocess.Popen(
            service.command,
            env=_variables(place) | dict(service.environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Airflow's children would outlive a signal to the parent alone
        )
    try:
        yield process
    finally:
        _signal_group(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(service.stop_timeout_s)
        _signal_group(process, signal.SIGKILL)
        process.wait()


def _signal_group(process: subprocess.Popen[bytes], which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, which)


def _healthy(place: StackContext, service: Service, process: subprocess.Popen[bytes]) -> None:
    def look() -> bool:
        assert process.poll() is None, f"{service.name}: {place.layout.log(service.name).read_text()[-3000:]}"
        try:
            service.health.check()
        except Unhealthy:
            return False
        return True

    until(look, f"health of {service.name}", hung_s=CHAIN_HUNG_S)


def _log_in(place: StackContext) -> httpx.Client:
    url = place.environment["VITRINE_AIRFLOW_URL"]
    user = logins.first_admin(place.settings.users)
    login = {"username": user, "password": airflow_passwords.password(place.layout, user)}
    token = (
        httpx.post(f"{url}/auth/token", json=login, timeout=HUNG_S).raise_for_status().json()["access_token"]
    )
    return httpx.Client(
        base_url=f"{url}/api/v2",
        headers={"Authorization": f"Bearer {token}"},
        timeout=HUNG_S,
        limits=NO_REUSE,
    )
