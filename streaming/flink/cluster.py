"""Submits jobs to a Flink cluster by its command line; reads their state and cancels them by its REST
interface."""

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
    """The Flink cluster. Its command line also needs FLINK_CONF_DIR and FLINK_LIB_DIR in the environment."""

    model_config = SettingsConfigDict(frozen=True, populate_by_name=True)

    home: Path = Field(alias="FLINK_HOME", description="The distribution: the folder with bin/flink")


def trust(settings: FlinkRestSettings) -> ssl.SSLContext:
    """Returns the certificates for an https address: those that verify it, and the client certificate. Raises
    OSError if a file is missing or invalid."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.certificate_file is not None:
        # Always passes a password: without one, OpenSSL would prompt for it on the terminal.
        context.load_cert_chain(
            settings.certificate_file, settings.key_file, settings.key_password.get_secret_value
        )
    return context


def client(settings: FlinkRestSettings, timeout_s: float = 30.0) -> httpx.Client:
    """Returns a client for requests to the cluster's REST interface, by path. Raises OSError as `trust`."""
    return httpx.Client(base_url=settings.url, verify=trust(settings), timeout=timeout_s)


class SubmissionFailed(Exception):
    """Flink did not accept the job; the text contains the end of its output."""


def run(
    settings: FlinkSettings, script: Path, environment: Mapping[str, str], checkpoint: str | None = None
) -> str:
    """Submits a PyFlink script, with `environment` added to that of this process, restored from `checkpoint`
    (a folder chk-N) if given. Returns the job's id. Raises SubmissionFailed."""
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
    """Returns the cluster's description of a job: `state`, `vertices` and more."""
    return _get(settings, f"/jobs/{job_id}")


def newest_checkpoint(settings: FlinkRestSettings, job_id: str) -> str | None:
    """Returns the folder of the job's last completed checkpoint; None before the first."""
    latest = _get(settings, f"/jobs/{job_id}/checkpoints")["latest"]["completed"]
    return str(latest["external_path"]) if latest else None


def cancel(settings: FlinkRestSettings, job_id: str) -> None:
    """Requests the cluster to cancel a job; its checkpoints are retained."""
    with client(settings) as rest:
        rest.patch(f"/jobs/{job_id}", params={"mode": "cancel"}).raise_for_status()


def _get(settings: FlinkRestSettings, path: str) -> dict[str, Any]:
    with client(settings) as rest:
        found: dict[str, Any] = rest.get(path).raise_for_status().json()
    return found
