"""The Redis of the chaos test, whose disk can be filled."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.chaos import full_disk
from lab.own_redis import OwnRedis


class ChaosRedis(OwnRedis):
    """A Redis that the chaos test kills, and whose disk it fills if it has a separate one."""

    def __init__(self, folder: Path, disk_mib: int | None = None) -> None:
        """Starts it, on a separate disk of `disk_mib` MiB if given. Raises StackError if that fails."""
        self._folder, self._mounted = folder, disk_mib is not None
        if disk_mib is not None:
            full_disk.mount(folder, disk_mib)
        super().__init__(folder)

    def fill_disk(self) -> Callable[[], None]:
        """Fills the disk completely; returns a function that frees it."""
        return full_disk.fill(self._folder)

    def end(self) -> None:
        """Kills it and removes its disk."""
        self.kill()
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)
