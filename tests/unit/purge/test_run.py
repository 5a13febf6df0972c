"""A purge and a run of retention wait for each other."""

import fcntl
import os
from pathlib import Path

import pytest

from streaming.purge import run
from streaming.settings import DataSettings


def test_retention_waits_while_a_feed_is_purged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    purged = run.Purged(1, 2, 3, 4, 5)

    def while_purging(*_: object) -> run.Purged:
        folder = os.open(DataSettings().layout.root, os.O_RDONLY)
        try:
            with pytest.raises(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(folder)
        return purged

    monkeypatch.setattr(run, "_purge", while_purging)
    assert run.purge("live", print) == purged
