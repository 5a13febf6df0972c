"""`./vitrine resummarise`: the Flink job once more, from the beginning of its topic.

For when its code or its sentiment model has changed: what it wrote before was made by the old one. What it
writes replaces what is there, a window's totals only once they count as much.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from stack import flink_job, running
from stack.components import flink
from stack.place import here
from stack.service import Place, StackError
from stack.supervisor import Supervisor
from streaming.adapters.flink import cancel

SERVICE = "flink-job"
CANCEL_TIMEOUT_S = 120.0


def run(tell: Callable[[str, str], None]) -> None:
    """Returns when the job runs again. Raises StackError where it cannot be ended or started."""
    place = here()
    supervisor = Supervisor(place.layout)
    if supervisor.running():
        supervisor.stop_all([SERVICE])
    tell(SERVICE, "stopped")
    _cancel(place)
    checkpoints = Path(urlsplit(flink.checkpoints(place)).path)
    shutil.rmtree(checkpoints, ignore_errors=True)
    tell(SERVICE, "its state is forgotten")
    running.bring_up([SERVICE], tell)


def _cancel(place: Place) -> None:
    name, deadline = flink.job_name(place), time.monotonic() + CANCEL_TIMEOUT_S
    try:
        while job := flink_job.alive(flink_job.overview(place), name):
            cancel(flink.rest(place), job)
            if time.monotonic() > deadline:
                raise StackError(f"{name} does not end", "flink-jobmanager")
            time.sleep(flink_job.POLL_S)
    except OSError:
        return  # without a cluster there is no job on it
