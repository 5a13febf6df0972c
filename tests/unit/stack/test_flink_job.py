"""The job's keeper: which checkpoint is the newest complete one, and whether the job is still there."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from streaming.summaries.settings import JobSettings
from streaming.summaries.submitter import alive, newest_checkpoint


def checkpoint(folder: Path, job: str, number: int, written_at_s: int | None) -> Path:
    path = folder / job / f"chk-{number}"
    path.mkdir(parents=True)
    if written_at_s is not None:
        (path / "_metadata").touch()
        os.utime(path / "_metadata", (written_at_s, written_at_s))
    return path


def test_the_newest_complete_checkpoint_of_any_job(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
    checkpoint(tmp_path, "first", 900, 100)
    newest = checkpoint(tmp_path, "second", 7, 200)
    checkpoint(tmp_path, "second", 8, None)
    assert newest_checkpoint(tmp_path) == newest


def test_a_checkpoint_of_another_state_backend_is_not_found(tmp_path: Path) -> None:
    """The heap's checkpoints, of releases before, lie in the folder itself."""
    checkpoint(tmp_path, "of-a-release-before", 900, 100)
    job = JobSettings(checkpoint_dir=tmp_path.as_uri())
    own = Path(urlsplit(job.checkpoints).path)
    assert newest_checkpoint(own) is None
    newest = checkpoint(own, "first", 1, 50)
    assert newest_checkpoint(own) == newest
    assert newest not in Path(urlsplit(on_the_heap(job).checkpoints).path).glob("*/*")


def on_the_heap(job: JobSettings) -> JobSettings:
    return job.model_copy(update={"state_backend": "hashmap"})


def test_a_job_that_flink_restarts_is_alive_and_one_that_ended_is_not() -> None:
    def overview(*jobs: tuple[str, str, str]) -> dict[str, object]:
        return {"jobs": [{"jid": jid, "name": name, "state": state} for jid, name, state in jobs]}

    assert alive(overview(("1", "s", "FAILED"), ("2", "s", "RESTARTING")), "s") == "2"
    assert alive(overview(("1", "s", "FAILED"), ("2", "s", "CANCELED")), "s") is None
    assert alive(overview(("1", "other", "RUNNING")), "s") is None
