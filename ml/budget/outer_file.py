"""The outer link's file and the ledger's key, in a folder of their owner alone, outside MongoDB."""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol, TypeVar

from streaming.data_folder import atomic_file, ownership
from streaming.stores import StoreUnavailable

T = TypeVar("T")

KEY = "key"
_KEY_BYTES = 32
_OWNER_ONLY = 0o600
_PAUSE_S = 0.01


class Busy(Exception):
    """Other processes kept changing the account; the same call may succeed later."""


class OuterFile(Protocol):
    """Where the outer link of one data set is kept. Every method may raise StoreUnavailable."""

    def locked(self, for_s: float) -> AbstractContextManager[None]:
        """Returns a context that one process at a time can be in. Raises Busy after waiting `for_s`
        seconds."""

    def read(self) -> bytes | None:
        """Returns the content, None if there is none."""

    def write(self, content: bytes) -> None:
        """Replaces the content. After its return not even a crash can lose the change."""

    def key(self) -> bytes | None:
        """Returns the key, None if there is none."""

    def make_key(self) -> bytes:
        """Returns the key; generates one if there is none."""


class OuterFileInFolder:
    """The file `<dataset>.json` in `folder`, and there the generated key if none is given. The lock is the
    file system's (flock), and ends with the process that holds it."""

    def __init__(self, folder: Path, dataset: str, key: bytes | None = None) -> None:
        self._folder = folder
        self._file = folder / f"{dataset}.json"
        self._lock = folder / f"{dataset}.lock"
        self._given = key

    @contextmanager
    def locked(self, for_s: float) -> Iterator[None]:
        deadline_s = time.monotonic() + for_s
        opened = self._done(self._open_lock)
        try:
            while not self._done(lambda: _taken(opened)):
                if time.monotonic() >= deadline_s:
                    raise Busy(f"other processes kept changing the privacy ledger for {for_s:g} s")
                time.sleep(_PAUSE_S)
            yield
        finally:
            os.close(opened)

    def read(self) -> bytes | None:
        return self._done(lambda: _content(self._file))

    def write(self, content: bytes) -> None:
        self._done(lambda: atomic_file.write(self._file, content, _OWNER_ONLY))

    def key(self) -> bytes | None:
        return self._given or self._done(lambda: _content(self._folder / KEY))

    def make_key(self) -> bytes:
        if (known := self.key()) is not None:
            return known
        made = secrets.token_bytes(_KEY_BYTES)
        self._done(lambda: atomic_file.write(self._folder / KEY, made, _OWNER_ONLY))
        return made

    def _open_lock(self) -> int:
        ownership.make_folder(self._folder, 0o700)
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        with suppress(FileExistsError):
            made = os.open(self._lock, flags | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
            try:
                ownership.as_its_folder(made, self._folder)
            except OSError:
                os.close(made)
                raise
            return made
        return os.open(self._lock, flags)

    def _done(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except OSError as error:
            raise StoreUnavailable(
                f"The privacy ledger's outer link in {self._folder} cannot be read or written "
                f"({error.strerror}). It is its owner's alone, and needs a disk with some space"
            ) from error


def _taken(opened: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _content(file: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return file.read_bytes()
    return None
