"""Root's commands follow no link of the data folder's owner, and what they write there is that owner's."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from ml.budget.outer_file import OuterFileInFolder
from streaming.access_record.file import AccessRecord, NotRecorded
from streaming.data_folder import atomic_file, opening
from streaming.stores import StoreUnavailable

VITRINE_UID = 12_345


def test_folders_are_made_as_before(tmp_path: Path) -> None:
    for _ in range(2):
        with opening.folder(tmp_path / "a" / "b", 0o700) as inside:
            assert os.path.samestat(os.fstat(inside), (tmp_path / "a" / "b").stat())
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    assert (tmp_path / "a" / "b").stat().st_uid == os.geteuid()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "a")), opening.folder(tmp_path / "a" / "b"):
        pass


def test_a_link_of_ones_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk" / "large").mkdir(parents=True)
    (tmp_path / "one").symlink_to(tmp_path / "disk")
    (tmp_path / "two").symlink_to("one/large/../large")
    atomic_file.write(tmp_path / "two" / "file", b"content")
    assert (tmp_path / "disk" / "large" / "file").read_bytes() == b"content"
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(OSError, match="link"):
        atomic_file.write(tmp_path / "round" / "file", b"content")


def test_a_pipe_makes_nobody_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    with opening.folder(tmp_path) as inside, pytest.raises(OSError, match="not a file"):
        opening.content("key", inside)


def test_a_temporary_folder_is_the_same_under_another_name(tmp_path: Path) -> None:
    with opening.temporary(tmp_path / "spill", "ingest-") as folder:
        (folder / "one").write_text("")
        [made] = (tmp_path / "spill").iterdir()
        made.rename(tmp_path / "moved")
        made.mkdir()
        (folder / "two").write_text("")
        assert {file.name for file in (tmp_path / "moved").iterdir()} == {"one", "two"}
    assert list((tmp_path / "spill").iterdir()) == []


if os.geteuid() == 0:  # only root can write in another user's folder

    @pytest.fixture
    def data(tmp_path: Path) -> Path:
        made = tmp_path / "data"
        made.mkdir()
        os.chown(made, VITRINE_UID, VITRINE_UID)
        return made

    def record(data: Path) -> None:
        AccessRecord(data / "accesses", 30).add("os:root", "exact figures", "run", ["a session"])

    def ledger(data: Path) -> None:
        outer = OuterFileInFolder(data / "ledger", "sessions")
        with outer.locked(1):
            outer.make_key()
            outer.write(b"{}")

    def report(data: Path) -> None:
        atomic_file.write(data / "reports" / "one.json", b"{}")

    WRITERS = {"accesses": record, "ledger": ledger, "reports": report}

    def test_what_root_writes_is_the_folders_owners(data: Path) -> None:
        atomic_file.write(data / "reconcile.json", b"{}")
        for write in WRITERS.values():
            write(data)
        found = [data, *data.rglob("*")]
        assert len(found) == 11
        assert {path.stat().st_uid for path in found} == {VITRINE_UID}
        assert {path.stat().st_gid for path in found} == {VITRINE_UID}

    @pytest.mark.parametrize(("name", "write"), WRITERS.items())
    def test_a_link_in_the_place_of_a_folder_leads_root_nowhere(
        data: Path, tmp_path: Path, name: str, write: Callable[[Path], None]
    ) -> None:
        (tmp_path / "roots").mkdir()
        (data / name).symlink_to(tmp_path / "roots")
        with pytest.raises((OSError, NotRecorded, StoreUnavailable)):
            write(data)
        assert list((tmp_path / "roots").iterdir()) == []
        assert (tmp_path / "roots").stat().st_uid == 0

    @pytest.mark.parametrize(("name", "write"), WRITERS.items())
    def test_a_folder_that_is_exchanged_meanwhile_gives_no_file_of_root_away(
        data: Path, tmp_path: Path, name: str, write: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The account wins the race after each file that is opened."""
        (tmp_path / "roots").mkdir()
        (data / name).mkdir()
        os.chown(data / name, VITRINE_UID, VITRINE_UID)
        really = os.open
        swapped: list[str] = []

        def slow(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            opened = really(path, flags, mode, dir_fd=dir_fd)
            if flags & os.O_CREAT and not swapped:
                swapped.append(path)
                (data / name).rename(data / "own")
                (data / name).symlink_to(tmp_path / "roots")
            return opened

        monkeypatch.setattr(os, "open", slow)
        with suppress(OSError, NotRecorded, StoreUnavailable):
            write(data)
        assert swapped
        assert list((tmp_path / "roots").iterdir()) == []

    def test_a_link_in_the_place_of_a_file_is_not_read_and_not_written(data: Path, tmp_path: Path) -> None:
        record(data)
        for name in ("key", next(file.name for file in (data / "accesses").glob("*.jsonl"))):
            file, roots = data / "accesses" / name, tmp_path / f"of-root-{name}"
            roots.write_text("root's")
            kept = file.read_bytes()
            for put in (file.symlink_to, file.hardlink_to):
                file.unlink()
                put(roots)
                if put == file.hardlink_to and name == "key":
                    continue  # only read
                with pytest.raises(NotRecorded):
                    record(data)
                assert roots.read_text() == "root's"
                assert roots.stat().st_uid == 0
            file.unlink()
            file.write_bytes(kept)
