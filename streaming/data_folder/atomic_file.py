"""Files that readers see whole or not at all, whatever dies while they are written. Standard library alone:
all environments write files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".unfinished"
"""Ends the name of a file while it is written. What a crash left behind, the next try overwrites."""


@contextmanager
def writing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A file to write into. When the block ends it takes the place of `path` in one step, its bytes and its
    name being on disk; when the block raises, `path` stays as it was and nothing is left behind.

    The folder must be there. `mode`: who may read it, less what the umask denies. One process at a time may
    write to a path. Raises OSError.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)  # another mode, perhaps
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Puts `content` in the place of `path` as `writing` does, and makes its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path, mode) as file:
        file.write(content)


def sync(path: Path) -> None:
    """Returns when a file's bytes, or a folder's list of names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
