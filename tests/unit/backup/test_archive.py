"""Folders are packed while others write to them, and unpacked in the place of what is there."""

import io
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from stack.backup import archive
from stack.backup.folder_part import FolderPart, SqlitePart
from stack.backup.manifest import Refused
from streaming.data_folder import opening


def content(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def quiet(state: str) -> None: ...


def saved(part: FolderPart | SqlitePart) -> io.BytesIO:
    out = io.BytesIO()
    assert part.save(out, quiet) == []
    return io.BytesIO(out.getvalue())


def test_a_folder_comes_back_in_the_place_of_what_is_there(tmp_path: Path) -> None:
    there = fill(tmp_path / "data", models__a__x="1", reports__r="2", ledger__sessions="3", alone="4")
    part = FolderPart("data", there, but=("ledger",))
    stream, before = saved(part), content(there)
    fill(there, models__a__x="other", models__b__y="newer", ledger__sessions="newest", extracts__new="5")
    assert part.restore(stream, quiet) == "3 files"
    assert content(there) == before | {"ledger/sessions": "newest"}
    assert not (there / archive.UNPACKED).exists()


def test_a_lost_folder_comes_back_for_its_owner_alone(tmp_path: Path) -> None:
    there = fill(tmp_path / "data", models__a="1")
    (there / "models" / "a").chmod(0o644)
    part = FolderPart("data", there)
    stream = saved(part)
    shutil.rmtree(there)
    assert part.present() == ""
    part.restore(stream, quiet)
    assert content(there) == {"models/a": "1"}
    assert (there / "models" / "a").stat().st_mode & 0o777 == 0o600
    assert (there / "models").stat().st_mode & 0o777 == 0o700


def test_a_restore_that_was_killed_can_be_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = fill(tmp_path / "data", a__x="1", b__y="2", c__z="3")
    part = FolderPart("data", there)
    stream, before = saved(part), content(there)
    fill(there, a__x="other", b__y="other")
    real, calls = os.rename, iter(range(100))

    def dies(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        if next(calls) == 1:
            raise KeyboardInterrupt
        real(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", dies)
    with pytest.raises(KeyboardInterrupt):
        part.restore(stream, quiet)
    monkeypatch.undo()
    stream.seek(0)
    part.restore(stream, quiet)
    assert content(there) == before


def vanish_file(there: Path) -> None:
    (there / "b" / "2").unlink()


def vanish_folder(there: Path) -> None:
    shutil.rmtree(there / "b")


@pytest.mark.parametrize("vanish", [vanish_file, vanish_folder])
def test_what_vanishes_does_not_end_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vanish: Callable[[Path], None]
) -> None:
    there = fill(tmp_path / "data", a__1="1", b__2="2", b__3="3", c__4="4")
    real, left = opening.existing, [None]

    def existing(name: str, inside: int, flags: int) -> int:
        opened = real(name, inside, flags)
        if left:  # the first file is open: the others are listed, or are about to be
            left.pop()
            vanish(there)
        return opened

    monkeypatch.setattr(opening, "existing", existing)
    out = io.BytesIO()
    archive.pack(there, ("a", "b", "c"), out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        names = {one.name for one in tar if one.isfile()}
    assert names == {"a/1", "c/4"} | ({"b/3"} if vanish is vanish_file else set())


def test_a_file_that_vanishes_between_its_listing_and_its_reading_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fill(tmp_path / "data", a__1="1", a__2="2", a__3="3")
    real = opening.existing

    def existing(name: str, inside: int, flags: int) -> int:
        if name == "2":
            (there / "a" / "2").unlink()
        return real(name, inside, flags)

    monkeypatch.setattr(opening, "existing", existing)
    out = io.BytesIO()
    archive.pack(there, ("a",), out)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert [one.name for one in tar if one.isfile()] == ["a/1", "a/3"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = fill(tmp_path / "data", a__1="1")

    def scandir(path: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(PermissionError):
        archive.pack(there, ("a",), io.BytesIO())


def test_a_file_that_grows_is_cut_and_one_that_shrinks_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = fill(tmp_path / "data", record="line 1\n")
    real, after = os.fstat, ["line 2\n"]

    def fstat(opened: int) -> os.stat_result:
        found = real(opened)
        if after:
            with (there / "record").open("a") as file:
                file.write(after.pop())
        return found

    monkeypatch.setattr(os, "fstat", fstat)
    out = io.BytesIO()
    archive.pack(there, ("record",), out)
    monkeypatch.undo()
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        [entry] = tar
        file = tar.extractfile(entry)
        assert file is not None
        assert file.read() in (b"line 1\n", b"line 1\nline 2\n")

    addfile = tarfile.TarFile.addfile

    def shrinks(tar: tarfile.TarFile, entry: tarfile.TarInfo, file: object = None) -> None:
        (there / "record").write_text("")
        addfile(tar, entry, file)  # type: ignore[arg-type]

    monkeypatch.setattr(tarfile.TarFile, "addfile", shrinks)
    with pytest.raises(archive.Shrank, match="became shorter"):
        archive.pack(there, ("record",), io.BytesIO())


def test_links_are_not_followed_but_named(tmp_path: Path) -> None:
    there, elsewhere = fill(tmp_path / "data", a__1="1"), fill(tmp_path / "elsewhere", secret="2")
    (there / "a" / "link").symlink_to(elsewhere / "secret")
    (there / "b").symlink_to(elsewhere)
    os.mkfifo(there / "a" / "pipe")
    out = io.BytesIO()
    assert archive.pack(there, ("a", "b"), out) == ["a/link: a link", "a/pipe: no file", "b: a link"]
    assert b"secret" not in out.getvalue()


def test_an_archive_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    for name, kind in (("../x", tarfile.REGTYPE), ("/x", tarfile.REGTYPE), ("x", tarfile.SYMTYPE)):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w|") as tar:
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = kind, "/etc/passwd"
            tar.addfile(entry, io.BytesIO())
        with pytest.raises(Refused):
            archive.unpack(io.BytesIO(out.getvalue()), tmp_path / "data", ())
    assert not (tmp_path / "x").exists()


def test_only_named_secrets_are_saved_and_replaced(tmp_path: Path) -> None:
    run = fill(tmp_path / "run", passwords__gate="p", flink__keys__rest="k", flink__conf="c", socket="s")
    part = FolderPart("secrets", run, only=("passwords", "flink/keys", "missing"))
    stream = saved(part)
    fill(run, passwords__gate="other", passwords__extra="x", flink__conf="newer", flink__keys__rest="other")
    part.restore(stream, quiet)
    assert content(run) == {
        "passwords/gate": "p", "flink/keys/rest": "k", "flink/conf": "newer", "socket": "s",
    }  # fmt: skip


def test_a_database_is_copied_while_it_is_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "airflow"
    folder.mkdir()
    called: list[None] = []
    part = SqlitePart("airflow", folder, "airflow.db", lambda: called.append(None))
    with closing(sqlite3.connect(folder / "airflow.db")) as database:
        database.execute("pragma journal_mode=wal")
        database.execute("create table runs (id)")
        database.execute("insert into runs values (1)")
        database.commit()  # in the write-ahead log only
        database.execute("insert into runs values (2)")  # not committed
        stream = saved(part)
        database.commit()
    part.restore(stream, quiet)
    with closing(sqlite3.connect(folder / "airflow.db")) as database:
        assert database.execute("select id from runs").fetchall() == [(1,)]
    assert called == [None]


def secret_database(folder: Path) -> Path:
    folder.mkdir()
    with closing(sqlite3.connect(folder / "secret.db")) as database:
        database.execute("create table secrets (id)")
    return folder / "secret.db"


def test_a_link_in_the_place_of_a_database_is_not_followed(tmp_path: Path) -> None:
    """Its folder belongs to the account of a service, and the backup is made by root."""
    folder, secret = tmp_path / "airflow", secret_database(tmp_path / "elsewhere")
    folder.mkdir()
    part = SqlitePart("airflow", folder, "airflow.db", lambda: None)
    for target in (secret, tmp_path / "nowhere"):
        (folder / "airflow.db").symlink_to(target)
        with pytest.raises(OSError, match=r"airflow\.db"):
            saved(part)
        (folder / "airflow.db").unlink()
    shutil.copy(secret, folder / "airflow.db")
    (folder / "airflow.db-wal").symlink_to(secret)
    with pytest.raises(OSError, match=r"SQLite: .*airflow\.db"):
        saved(part)


def test_nor_is_one_that_was_put_there_a_moment_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, secret = tmp_path / "airflow", secret_database(tmp_path / "elsewhere")
    shutil.copytree(secret.parent, folder)
    (folder / "secret.db").rename(folder / "airflow.db")
    part, connect = SqlitePart("airflow", folder, "airflow.db", lambda: None), sqlite3.connect

    def swapped(path: str | Path, uri: bool = False) -> sqlite3.Connection:
        if uri:
            (folder / "airflow.db").unlink()
            (folder / "airflow.db").symlink_to(secret)
        return connect(path, uri=uri)

    saved(part)
    monkeypatch.setattr(sqlite3, "connect", swapped)
    with pytest.raises(OSError, match="is not followed"):
        saved(part)


def test_a_database_in_a_folder_of_any_name_is_copied(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    secret = secret_database(tmp_path / "a?b %20#c")
    saved(SqlitePart("airflow", tmp_path / "link" / secret.parent.name, secret.name, lambda: None))


def test_a_database_that_there_is_not_yet_is_restored_as_none(tmp_path: Path) -> None:
    part = SqlitePart("airflow", tmp_path / "airflow", "airflow.db", lambda: None)
    stream = saved(part)
    assert part.present() == ""
    assert part.restore(stream, quiet) == "there was none"
