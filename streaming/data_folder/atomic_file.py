"""Writes files so that readers see them complete or not at all, even after a crash. Standard library only,
because all environments write files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from streaming.data_folder import opening

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
    with opening.folder(path.parent) as inside, _writing(path.name, inside, mode) as file:
        yield file


@contextmanager
def _writing(name: str, inside: int, mode: int) -> Iterator[BinaryIO]:
    """The same in the open folder `inside`."""
    unfinished = name + UNFINISHED
    opening.remove(unfinished, inside)  # it may have another mode
    try:
        with os.fdopen(opening.new(unfinished, inside, os.O_WRONLY, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.rename(unfinished, name, src_dir_fd=inside, dst_dir_fd=inside)
        os.fsync(inside)
    finally:
        opening.remove(unfinished, inside)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replaces `path` by `content` as `writing` does, and creates its folder if necessary."""
    with opening.folder(path.parent, 0o777) as inside, _writing(path.name, inside, mode) as file:
        file.write(content)


def sync(path: Path) -> None:
    """Waits until a file's bytes, or a folder's list of names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
