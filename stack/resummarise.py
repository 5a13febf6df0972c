"""`./vitrine resummarise`: runs the Flink job again from the beginning of its topic.

Needed when its code or its sentiment model has changed: what is stored was made by the old one. The new
documents replace the stored ones; a window's totals only once they count at least as many sessions.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from stack import lifecycle
from stack.components import flink
from stack.context import this_checkout
from stack.service import StackContext, StackError
from stack.supervisor import ENDED, Supervisor
from streaming.contract.topology import FLINK_JOB
from streaming.flink.cluster import cancel
from streaming.settings import KafkaSettings
from streaming.summaries.settings import job_name
from streaming.summaries.submitter import POLL_S, alive, overview

SERVICE = FLINK_JOB.name
CLUSTER = "flink-jobmanager"
CANCEL_TIMEOUT_S = 120.0


def run(tell: Callable[[str, str], None]) -> None:
    """Returns when the job runs again. Raises StackError if it cannot be stopped or started."""
    stop([SERVICE], tell)
    lifecycle.bring_up([SERVICE], tell)


def stop(services: Sequence[str], tell: Callable[[str, str], None]) -> None:
    """Stops these services, among them the job, and deletes the job's state. Raises StackError if the job
    cannot be stopped."""
    place = this_checkout()
    supervisor = Supervisor(place.layout)
    if supervisor.running():
        supervisor.stop_all(list(services))
    for service in services:
        tell(service, "stopped")
    _cancel(place)
    forget_state(place)
    tell(SERVICE, "its state is deleted")


def forget_state(place: StackContext) -> None:
    """Deletes the state of a job that does not run: it begins at the beginning of its topic."""
    shutil.rmtree(Path(urlsplit(flink.checkpoints(place)).path), ignore_errors=True)


def _cancel(place: StackContext) -> None:
    name, deadline = job_name(KafkaSettings()), time.monotonic() + CANCEL_TIMEOUT_S
    rest = flink.rest(place)
    while True:
        try:
            if (job := alive(overview(rest), name)) is None:
                return
            cancel(rest, job)
            found = f"{name} was cancelled and still runs"
        except OSError as error:
            if not _may_run(place):
                return
            found = f"Flink does not answer, and {name} may run there ({error})"
        if time.monotonic() > deadline:
            raise StackError(found, CLUSTER)
        time.sleep(POLL_S)


def _may_run(place: StackContext) -> bool:
    """Whether there may be a cluster that only does not answer: this stack starts no other than its own."""
    process = Supervisor(place.layout).processes().get(CLUSTER)
    return "flink" in place.external or (process is not None and process.state not in ENDED)
