"""Files and folders as parts of a backup, and Airflow's database."""

import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from stack.backup import archive
from stack.backup.part import Tell
from stack.backup.sealing import Writable


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
        if not source.exists():
            return archive.pack(self.folder, (), out)
        with tempfile.TemporaryDirectory(prefix="vitrine-backup-") as private:
            copy = Path(private) / self.file
            with (
                closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as there,
                closing(sqlite3.connect(copy)) as here,
            ):
                there.backup(here)
            return archive.pack(copy.parent, (copy.name,), out)

    def restore(self, saved: BinaryIO, tell: Tell) -> str:
        logs = [f"{self.file}{ending}" for ending in ("-wal", "-shm", "-journal")]
        count = archive.unpack(saved, self.folder, [self.file, *logs])
        self.restored()
        return "replaced" if count else "there was none"
