"""The Redis of the chaos test, which may also be left without a free byte."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.chaos import full_disk
from lab.own_redis import OwnRedis


class ChaosRedis(OwnRedis):
    """One that is killed, and filled up if it is on a disk of its own."""

    def __init__(self, folder: Path, disk_mib: int | None = None) -> None:
        """On a disk of its own of `disk_mib`, if given. Raises StackError where that cannot be had."""
        self._folder, self._mounted = folder, disk_mib is not None
        if disk_mib is not None:
            full_disk.mount(folder, disk_mib)
        super().__init__(folder)

    def fill_disk(self) -> Callable[[], None]:
        """Leaves no byte free; gives what makes room again."""
        return full_disk.fill(self._folder)

    def end(self) -> None:
        """Ends it for good."""
        self.kill()
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)
