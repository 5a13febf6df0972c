"""Keeps the Flink job running: `python -m streaming.summaries.submitter`, a service.

Submits the job, from its newest retained checkpoint if there is one, unless the cluster already has it. Then
it watches the job, and ends with an error as soon as the cluster no longer has it, so that the supervisor
starts this process again. It does not interfere with a job that Flink itself is restarting.
"""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streaming.contract.visible import visible_lines
from streaming.flink.cluster import FlinkSettings, trust
from streaming.settings import FlinkRestSettings, KafkaSettings
from streaming.summaries.settings import JobSettings, job_name

# A job in any other state has ended for good.
ALIVE = {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "RESTARTING", "RECONCILING", "SUSPENDED"}
POLL_S = 2.0
UNREACHABLE_S = 30.0
SUBMIT_TIMEOUT_S = 180
JOB = Path(__file__).with_name("job.py")
DOES_NOT_FIT = "Cannot map checkpoint/savepoint state"


def alive(overview: dict[str, Any], name: str) -> str | None:
    """Returns the id of the job called `name` in Flink's /jobs/overview; None if the cluster does not have
    it."""
    ids = [job["jid"] for job in overview["jobs"] if job["name"] == name and job["state"] in ALIVE]
    return ids[0] if ids else None


def newest_checkpoint(folder: Path) -> Path | None:
    """Returns the newest complete checkpoint below `folder`, which has a folder for each job with a folder
    for each checkpoint. A checkpoint without `_metadata` is not complete."""
    complete = [metadata.parent for metadata in folder.glob("*/chk-*/_metadata")]
    return max(complete, key=lambda path: (path / "_metadata").stat().st_mtime_ns, default=None)


class SubmissionRefused(Exception):
    """The cluster did not accept the job; the text is the end of Flink's output."""


def submit(cluster: FlinkSettings, checkpoint: Path | None) -> None:
    """Submits the job to the cluster, with the state of `checkpoint` if given. Raises SubmissionRefused."""
    start = [str(cluster.home / "bin" / "flink"), "run", "--detached"]
    if checkpoint is not None:
        start += ["--fromSavepoint", f"file://{checkpoint}", "-claimMode", "CLAIM"]
    start += ["--python", str(JOB)]
    printed = subprocess.run(
        start,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SUBMIT_TIMEOUT_S,
    )
    if printed.returncode:
        raise SubmissionRefused(printed.stdout[-6000:])


def submit_from_newest(cluster: FlinkSettings, checkpoints: str, name: str) -> None:
    """Submits the job with the state of its newest checkpoint. If that state does not fit, because another
    version of the job wrote it, the job starts without state and reads its topic from the beginning; since
    its documents are replaced by id, the result is the same. `checkpoints` is the URI of their folder, empty
    if the cluster uses its default. Raises SubmissionRefused for any other reason."""
    checkpoint = newest_checkpoint(Path(urlsplit(checkpoints).path)) if checkpoints else None
    print(f"submitting {name} from {checkpoint or 'the beginning of its topic'}", flush=True)
    try:
        submit(cluster, checkpoint)
    except SubmissionRefused as refused:
        if checkpoint is None or DOES_NOT_FIT not in str(refused):
            raise
        print(f"another version wrote the state in {checkpoint}: starting from the beginning", flush=True)
        submit(cluster, None)


def overview(rest: FlinkRestSettings) -> dict[str, Any]:
    """Returns Flink's /jobs/overview. Raises OSError or ValueError if it cannot be read."""
    with urllib.request.urlopen(f"{rest.url}/jobs/overview", timeout=5, context=trust(rest)) as response:
        return dict(json.load(response))


def _watch(rest: FlinkRestSettings, name: str) -> None:
    """Waits until the cluster no longer has the job, or has not answered for UNREACHABLE_S."""
    answered = time.monotonic()
    while time.monotonic() - answered < UNREACHABLE_S:
        time.sleep(POLL_S)
        try:
            if alive(overview(rest), name) is None:
                return
        except (OSError, ValueError):
            continue
        answered = time.monotonic()


def main() -> int:
    """Submits the job unless the cluster runs it already. Returns the exit code."""
    cluster, name = FlinkSettings(), job_name(KafkaSettings())
    try:
        if alive(overview(cluster), name):
            print(f"{name} is already on the cluster", flush=True)
        else:
            submit_from_newest(cluster, JobSettings().checkpoints, name)
    except (SubmissionRefused, OSError, subprocess.TimeoutExpired) as error:
        # Flink's own output: class names and paths, and whatever a message of the job quotes.
        print(visible_lines(f"{name} could not be submitted: {error}".expandtabs(4)), flush=True)
        return 1
    _watch(cluster, name)
    print(f"{name} is no longer on the cluster", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
