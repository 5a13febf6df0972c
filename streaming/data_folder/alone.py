"""One writer of a folder at a time. Standard library only."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streaming.data_folder import opening


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process is in such a block for `folder`, which is made if it is missing. A process
    that dies leaves the block. Raises OSError."""
    with opening.folder(folder, 0o777) as inside:  # closing it ends the lock
        fcntl.flock(inside, fcntl.LOCK_EX)
        yield
