"""Files and folders as parts of a backup, and Airflow's database."""

import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stack.backup import archive
from stack.backup.part import Tell
from stack.backup.sealing import Writable
from streaming.data_folder import opening


@dataclass(frozen=True)
class FolderPart:
    """Those of `only` that are in `folder`; or, without it, everything there but the names `but`."""

    name: str
    folder: Path
    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    tells_present: bool = True
    """False if it is made anew whenever it is missing, so that its presence means nothing."""
    needs: Sequence[str] = ()

    def present(self) -> str:
        count = sum(1 for _ in archive.files(self.folder, self._names())) if self.tells_present else 0
        return f"{count} files in {self.folder}" if count else ""

    def holds(self, path: Path) -> bool:
        """True if `path`, there or not, is what this part saves and replaces, or in it."""
        folder, of = self.folder.resolve(), path.resolve()
        if not of.is_relative_to(folder):
            return False
        first = of.relative_to(folder).parts[:1]
        return first[0] in self.only if first and self.only else not set(first) & set(self.but)

    def save(self, out: Writable, tell: Tell) -> list[str]:
        return archive.pack(self.folder, self._names(), out)

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        return f"{archive.unpack(saved, self.folder, self._names())} files"

    def _names(self) -> list[str]:
        if self.only:
            return [name for name in self.only if (self.folder / name).exists()]
        with suppress(FileNotFoundError):
            return [one.name for one in self.folder.iterdir() if one.name not in self.but]
        return []


@dataclass(frozen=True)
class SqlitePart:
    """The database file `name` in `folder`, copied while it is written to. `restored` is called after it was
    replaced."""

    name: str
    folder: Path
    file: str
    restored: Callable[[], None]
    needs: Sequence[str] = ()

    def present(self) -> str:
        return f"the database {self.folder / self.file}" if (self.folder / self.file).exists() else ""

    def save(self, out: Writable, tell: Tell) -> list[str]:
        source = self.folder / self.file
        if not os.path.lexists(source):
            return archive.pack(self.folder, (), out)
        with (
            tempfile.TemporaryDirectory(prefix="vitrine-backup-") as private,
            opening.folder(self.folder) as inside,
        ):
            os.close(opening.existing(self.file, inside, os.O_RDONLY))  # no link, no pipe
            copy = Path(private) / self.file
            with (
                _readable(source),
                closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as there,
                closing(sqlite3.connect(copy)) as here,
            ):
                _require_opened(there, Path(f"/proc/self/fd/{inside}").readlink() / self.file)
                there.backup(here)
            return archive.pack(copy.parent, (copy.name,), out)

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        logs = [f"{self.file}{ending}" for ending in ("-wal", "-shm", "-journal")]
        count = archive.unpack(saved, self.folder, [self.file, *logs])
        self.restored()
        return "replaced" if count else "there was none"


@contextmanager
def _readable(database: Path) -> Iterator[None]:
    """Raises OSError if SQLite cannot read it."""
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite: {error}", str(database)) from error


def _require_opened(database: sqlite3.Connection, file: Path) -> None:
    """Raises OSError if another file than `file` was opened: the folder's owner may at any moment put a link
    in its place, to a database that only root can read. SQLite follows one, tells what it has opened, and
    opens no link after that."""
    [(_, _, opened)] = database.execute("PRAGMA database_list")
    if opened != str(file):
        raise OSError(errno.ELOOP, "a link in the place of a database is not followed", str(file))
