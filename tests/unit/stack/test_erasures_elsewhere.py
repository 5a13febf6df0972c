"""A restore that does not know whom to erase again restores nothing, unless it is told to."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from stack import interrupted_restore, lifecycle
from stack.backup import restore
from stack.backup.manifest import Refused
from stack.backup.settings import BackupSettings
from stack.service import StackContext
from streaming.person.erasure_list import stored_list


class Stopped(Exception):
    """The stack would be stopped now."""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackupSettings:
    def stop(*_: object) -> None:
        raise Stopped

    monkeypatch.setenv("VITRINE_BACKUP_DIR", str(tmp_path / "backups"))
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(restore, "_chosen", lambda *_: (SimpleNamespace(name="chosen"), None))
    monkeypatch.setattr(interrupted_restore, "of", lambda layout: "chosen")
    monkeypatch.setattr(lifecycle, "take_down", stop)
    (tmp_path / "backups").mkdir(mode=0o700)
    (tmp_path / "backups" / "2026-01-01T08-00-00Z").mkdir()
    (tmp_path / "backups" / "2026-01-01T08-00-00Z" / "manifest.json").write_text("torn")
    return BackupSettings()


def quiet(name: str, state: str) -> None: ...


def test_an_unreadable_list_stops_it_before_anything_is_changed(
    place: StackContext, settings: BackupSettings
) -> None:
    with pytest.raises(Refused, match=r"2026-01-01T08-00-00Z.*--erasures-unknown"):
        restore.restore(place, settings, None, True, quiet)
    assert stored_list().requests() == []


def test_told_to_it_goes_on_and_says_so(place: StackContext, settings: BackupSettings) -> None:
    told: list[str] = []
    with pytest.raises(Stopped):
        restore.restore(
            place, settings, None, True, lambda name, state: told.append(state), erasures_unknown=True
        )
    assert any("2026-01-01T08-00-00Z are not known" in one for one in told)
