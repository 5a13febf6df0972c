"""The list of parts: nothing twice, nothing forgotten that the stack generates, and never the outer link."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from support.locks import is_locked

from stack import interrupted_restore
from stack.backup import manifest, save
from stack.backup.folder_part import FolderPart
from stack.backup.manifest import LogPositions, Manifest
from stack.backup.parts import GENERATED, not_held, parts
from stack.backup.save import folder_of
from stack.backup.settings import BackupSettings
from stack.backup.stored import StoredBackup
from stack.components import airflow
from stack.context import this_checkout
from stack.layout import Layout
from stack.service import StackContext, StackError
from streaming.process.exit_code import InvalidRequest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackContext:
    monkeypatch.setenv("VITRINE_DATA_DIR", str(tmp_path / ".vitrine" / "data"))
    found = replace(this_checkout(), layout=Layout(tmp_path), root=False)
    found.layout.run.mkdir(parents=True)
    return found


def folder_part(place: StackContext, name: str) -> FolderPart:
    return next(one for one in parts(place) if isinstance(one, FolderPart) and one.name == name)


def names(part: FolderPart) -> set[str]:
    out = io.BytesIO()
    part.save(out, print)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        return {one.name for one in tar if one.isfile()}


def test_no_name_is_there_twice(place: StackContext) -> None:
    found = [part.name for part in parts(place)]
    assert len(set(found)) == len(found)


def test_every_secret_of_airflow_is_saved_but_what_is_made_anew_is_not(place: StackContext) -> None:
    secrets = {path.name for path in airflow.secrets_of(place)}
    assert secrets <= set(GENERATED)
    for name in (*secrets, "mongod-has-users", "supervisord.conf"):
        (place.layout.run / name).write_text("x")
    (place.layout.passwords).mkdir(exist_ok=True)
    (place.layout.passwords / "imports").write_text("x")
    for identity in (place.layout.flink_rest, place.layout.flink_internal):
        identity.key.parent.mkdir(parents=True)
        identity.key.write_text("x")
    found = names(folder_part(place, "secrets"))
    assert found >= secrets | {"passwords/imports"}
    assert len({name for name in found if name.startswith("flink/keys/")}) == 2
    assert not found & {"mongod-has-users", "supervisord.conf"}


@pytest.mark.parametrize("inside", ["ledger", "elsewhere/of/the/ledger"])
def test_the_outer_link_is_never_among_the_files(
    place: StackContext, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    data = place.layout.data
    monkeypatch.setenv("VITRINE_BUDGET_LEDGER_DIR", str(data / inside))
    for name in (
        f"{inside}/sessions.json",
        "ledger/old.json",
        "spill/rest",
        "models/a/run.json",
        "accesses/key",
        "erasures/list.jsonl",
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("x")
    assert names(folder_part(place, "data")) == {"models/a/run.json", "accesses/key"}


@pytest.mark.parametrize("inside", ["data", "data/backups", "run/passwords/backups", "link/backups"])
def test_a_backup_is_never_within_what_it_saves(place: StackContext, inside: str) -> None:
    """Each would hold those before it, and a restore would remove the one that it reads."""
    place.layout.data.mkdir()
    (place.layout.state / "link").symlink_to(place.layout.data)
    with pytest.raises(InvalidRequest, match="move it"):
        folder_of(place, BackupSettings(dir=place.layout.state / inside))


@pytest.mark.parametrize("elsewhere", [None, "backups", "data-of-backups", "run/backups", "data/ledger/x"])
def test_a_backup_may_be_anywhere_else(place: StackContext, elsewhere: str | None) -> None:
    chosen = place.layout.state / elsewhere if elsewhere else None
    assert folder_of(place, BackupSettings(dir=chosen)) == (chosen or place.layout.state / "backups")


def test_no_migration_changes_ids_while_they_are_read(
    place: StackContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor retention or purge: whoever does so holds the data folder."""
    held: list[bool] = []

    def made(place: StackContext, backup: StoredBackup, tell: object) -> Manifest:
        held.append(is_locked(place.layout.data))
        found = Manifest(manifest.FORMAT, backup.name, "", LogPositions("", {}), ())
        backup.finish(found)
        return found

    monkeypatch.setattr(save, "_save", made)
    save.save(place, BackupSettings(), lambda *state: None)
    assert held == [True]
    assert not is_locked(place.layout.data)


def test_what_no_backup_holds_is_said(place: StackContext) -> None:
    assert len(not_held(place)) == 1
    elsewhere = replace(place, external=frozenset({"airflow"}))
    assert "Airflow's metadata" in not_held(elsewhere)[-1]


def test_nothing_starts_before_an_interrupted_restore_is_completed(place: StackContext) -> None:
    layout = place.layout
    interrupted_restore.require_none(layout)
    interrupted_restore.begin(layout, "2026-11-30T08-00-00Z")
    assert interrupted_restore.of(layout) == "2026-11-30T08-00-00Z"
    with pytest.raises(StackError, match="was interrupted"):
        interrupted_restore.require_none(layout)
    interrupted_restore.end(layout)
    interrupted_restore.require_none(layout)
