"""What root's commands write in the data folder belongs to the owner of the folder."""

import os
import stat
from pathlib import Path

from ml.budget.outer_file import OuterFileInFolder
from streaming.access_record.file import AccessRecord
from streaming.data_folder import atomic_file, ownership

VITRINE_UID = 12_345


def test_folders_are_made_as_before(tmp_path: Path) -> None:
    for _ in range(2):
        ownership.make_folder(tmp_path / "a" / "b", 0o700)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert (tmp_path / "a" / "b").stat().st_uid == os.geteuid()


if os.geteuid() == 0:  # only root can write in another user's folder

    def test_what_root_writes_is_the_folders_owners(tmp_path: Path) -> None:
        data = tmp_path / "data"
        data.mkdir()
        os.chown(data, VITRINE_UID, VITRINE_UID)
        atomic_file.write(data / "reports" / "one.json", b"{}")
        atomic_file.write(data / "reconcile.json", b"{}")
        record = AccessRecord(data / "accesses", 30)
        record.add("os:root", "exact figures", "run", ["a session"])
        found = [data, *data.rglob("*")]
        assert len(found) == 7
        assert {path.stat().st_uid for path in found} == {VITRINE_UID}
        assert {path.stat().st_gid for path in found} == {VITRINE_UID}

    def test_the_ledgers_folder_too_if_a_command_of_roots_is_the_first(tmp_path: Path) -> None:
        """Otherwise no process of the stack could charge the budget or show it any more."""
        data = tmp_path / "data"
        data.mkdir()
        os.chown(data, VITRINE_UID, VITRINE_UID)
        outer = OuterFileInFolder(data / "ledger", "sessions")
        with outer.locked(1):
            outer.make_key()
            outer.write(b"{}")
        found = list((data / "ledger").iterdir())
        assert {path.name for path in found} == {"key", "sessions.json", "sessions.lock"}
        for path in (data / "ledger", *found):
            assert (path.stat().st_uid, path.stat().st_gid) == (VITRINE_UID, VITRINE_UID), path

    def test_no_file_that_was_there_is_given_away_as_the_ledgers_lock(tmp_path: Path) -> None:
        """An account could have made a hard link to a file of root's."""
        folder, roots = tmp_path / "ledger", tmp_path / "roots"
        folder.mkdir()
        roots.touch()
        os.chown(folder, VITRINE_UID, VITRINE_UID)
        (folder / "sessions.lock").hardlink_to(roots)
        with OuterFileInFolder(folder, "sessions").locked(1):
            pass
        assert roots.stat().st_uid == 0

    def test_a_link_in_the_place_of_a_new_folder_is_not_given_away(tmp_path: Path) -> None:
        data, roots = tmp_path / "data", tmp_path / "roots"
        data.mkdir()
        roots.mkdir()
        os.chown(data, VITRINE_UID, VITRINE_UID)
        (data / "reports").symlink_to(roots)
        ownership.make_folder(data / "reports")
        assert roots.stat().st_uid == 0
