"""A Flink cluster as a submitter sees it: its command line starts jobs, its REST interface stops them."""

import os
import re
import ssl
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from streaming.settings import FlinkRestSettings

TIMEOUT_S = 180.0


class FlinkSettings(FlinkRestSettings):
    """The Flink cluster. Its command line also wants FLINK_CONF_DIR and FLINK_LIB_DIR in the environment."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    home: Path = Field(alias="FLINK_HOME", description="The distribution: the folder with bin/flink")


def trust(settings: FlinkRestSettings) -> ssl.SSLContext:
    """By what an https address is recognised, and what we show it. Raises OSError while a file is missing or
    is not what it is said to be."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate_file is not None:
        # A password is always given: without one, OpenSSL would ask for it on the terminal.
        context.load_cert_chain(
            settings.certificate_file, settings.key_file, settings.key_password.get_secret_value
        )
    return context


def client(settings: FlinkRestSettings, timeout_s: float = 30.0) -> httpx.Client:
    """For requests to the cluster's REST, by their path. Raises OSError as `trust`."""
    return httpx.Client(base_url=settings.url, verify=trust(settings), timeout=timeout_s)


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
        command,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    found = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    if found is None:
        raise SubmissionFailed(
            f"flink run ended with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return found[1]


def job(settings: FlinkRestSettings, job_id: str) -> dict[str, Any]:
    """What the cluster says of a job: `state`, `vertices` and more."""
    return _get(settings, f"/jobs/{job_id}")


def newest_checkpoint(settings: FlinkRestSettings, job_id: str) -> str | None:
    """The folder of the job's last completed checkpoint, None before the first."""
    latest = _get(settings, f"/jobs/{job_id}/checkpoints")["latest"]["completed"]
    return str(latest["external_path"]) if latest else None


def cancel(settings: FlinkRestSettings, job_id: str) -> None:
    """Asks the cluster to end a job; its checkpoints are retained."""
    with client(settings) as rest:
        rest.patch(f"/jobs/{job_id}", params={"mode": "cancel"}).raise_for_status()


def _get(settings: FlinkRestSettings, path: str) -> dict[str, Any]:
    with client(settings) as rest:
        found: dict[str, Any] = rest.get(path).raise_for_status().json()
    return found
