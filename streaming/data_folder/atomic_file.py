"""Writes files so that readers see them complete or not at all, even after a crash. Standard library only,
because all environments write files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streaming.data_folder import ownership

UNFINISHED = ".unfinished"
"""The suffix of a file while it is written. The next attempt replaces an unfinished file that a crash
left."""


@contextmanager
def writing(path: Path, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Yields a file to write into. When the block ends, the file replaces `path` in one step, and its content
    and name are on disk. When the block raises, `path` stays unchanged and the file is removed.

    The folder must exist. `mode`: the file's permissions, restricted by the umask. Only one process at a time
    may write to a path. Raises OSError.
    """
    unfinished = path.with_name(path.name + UNFINISHED)
    unfinished.unlink(missing_ok=True)  # it may have another mode
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            ownership.as_its_folder(file.fileno(), path.parent)
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replaces `path` by `content` as `writing` does, and creates its folder if necessary."""
    ownership.make_folder(path.parent)
    with writing(path, mode) as file:
        file.write(content)


def sync(path: Path) -> None:
    """Waits until a file's bytes, or a folder's list of names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
