"""A Flink cluster as a submitter sees it: its command line starts jobs, its REST interface stops them."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import Settings

JOB = Path(__file__).parents[1] / "summaries" / "job.py"
TIMEOUT_S = 180.0


class FlinkSettings(Settings):
    """The Flink cluster. Its command line also wants FLINK_CONF_DIR and FLINK_LIB_DIR in the environment."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    url: str = Field("http://127.0.0.1:18081", alias="VITRINE_FLINK_URL", description="REST address")
    home: Path = Field(alias="FLINK_HOME", description="The distribution: the folder with bin/flink")


class SubmissionFailed(Exception):
    """Flink did not take the job; carries the end of what it printed."""


def run(
    settings: FlinkSettings, script: Path, environment: Mapping[str, str], checkpoint: str | None = None
) -> str:
    """Submits a PyFlink script with `environment` added to ours, restored from `checkpoint` (a folder chk-N)
    if there is one. Returns the job's id. Raises SubmissionFailed."""
    restore = ["-s", checkpoint] if checkpoint else []
    command = [f"{settings.home}/bin/flink", "run", "-d", *restore, "-py", str(script)]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if found is None:
        raise SubmissionFailed(
            f"flink run ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return found[1]


def job(settings: FlinkSettings, job_id: str) -> dict[str, Any]:
    """What the cluster says of a job: `state`, `vertices` and more."""
    return _get(settings, f"/jobs/{job_id}")


def newest_checkpoint(settings: FlinkSettings, job_id: str) -> str | None:
    """The folder of the job's last completed checkpoint, None before the first."""
    latest = _get(settings, f"/jobs/{job_id}/checkpoints")["latest"]["completed"]
    return str(latest["external_path"]) if latest else None


def cancel(settings: FlinkSettings, job_id: str) -> None:
    """Asks the cluster to end a job; its checkpoints are retained."""
    httpx.patch(f"{settings.url}/jobs/{job_id}", params={"mode": "cancel"}, timeout=30).raise_for_status()


def _get(settings: FlinkSettings, path: str) -> dict[str, Any]:
    answer = httpx.get(settings.url + path, timeout=30).raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
