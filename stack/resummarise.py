"""`./vitrine resummarise`: the Flink job once more, from the beginning of its topic.

For when its code or its sentiment model has changed: what it wrote before was made by the old one. What it
writes replaces what is there, a window's totals only once they count as much.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from stack import lifecycle
from stack.components import flink
from stack.context import this_checkout
from stack.service import StackContext, StackError
from stack.supervisor import Supervisor
from streaming.contract.topology import FLINK_JOB
from streaming.flink.cluster import cancel
from streaming.settings import KafkaSettings
from streaming.summaries.settings import job_name
from streaming.summaries.submitter import POLL_S, alive, overview

SERVICE = FLINK_JOB.name
CANCEL_TIMEOUT_S = 120.0


def run(tell: Callable[[str, str], None]) -> None:
    """Returns when the job runs again. Raises StackError where it cannot be ended or started."""
    place = this_checkout()
    supervisor = Supervisor(place.layout)
    if supervisor.running():
        supervisor.stop_all([SERVICE])
    tell(SERVICE, "stopped")
    _cancel(place)
    checkpoints = Path(urlsplit(flink.checkpoints(place)).path)
    shutil.rmtree(checkpoints, ignore_errors=True)
    tell(SERVICE, "its state is forgotten")
    lifecycle.bring_up([SERVICE], tell)


def _cancel(place: StackContext) -> None:
    name, deadline = job_name(KafkaSettings()), time.monotonic() + CANCEL_TIMEOUT_S
    rest = flink.rest(place)
    try:
        while job := alive(overview(rest), name):
            cancel(rest, job)
            if time.monotonic() > deadline:
                raise StackError(f"{name} does not end", "flink-jobmanager")
            time.sleep(POLL_S)
    except OSError:
        return  # without a cluster there is no job on it
