"""A small disk without a byte free, for a while."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stack.service import StackError


def mount(folder: Path, mib: int) -> None:
    """A file system of `mib` of its own at `folder`. Raises StackError where that cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"a full disk needs a small one to be mounted, as root can: {done.stderr.strip()}")


def fill(folder: Path) -> Callable[[], None]:
    """Leaves no byte free; gives what makes room again. Raises StackError if `folder` shares its disk with
    others, whom that would harm."""
    if not folder.is_mount():
        raise StackError(
            f"{folder} is no disk of its own. Stop the service, move the folder away, and as root: "
            f"mount -t tmpfs -o size=2g tmpfs {folder}"
        )
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(2**16)):
            pass
    return filler.unlink
