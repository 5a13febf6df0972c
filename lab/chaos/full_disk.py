"""Fills a small disk completely, and frees it again."""

import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stack.service import StackError


def mount(folder: Path, mib: int) -> None:
    """Mounts a separate file system of `mib` MiB at `folder`. Raises StackError if that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackError(f"a small disk could not be mounted, which needs root: {done.stderr.strip()}")


def fill(folder: Path) -> Callable[[], None]:
    """Fills the disk of `folder` completely; returns a function that frees it. Raises StackError if the
    folder is not a separate mount, because that would affect other processes."""
    if not folder.is_mount():
        raise StackError(
            f"{folder} is not a separate mount. Stop the service, move the folder to another place, and run "
            f"as root: mount -t tmpfs -o size=2g tmpfs {folder}"
        )
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(bytes(2**16)):
            pass
    return filler.unlink
