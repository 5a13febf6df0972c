"""A Redis of the torture's own, so that it may be killed, emptied and left without a free byte."""

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from lab.chaos import full_disk
from stack.components import redis
from stack.layout import HERE, Layout
from stack.service import StackContext, StackError, Unhealthy
from stack.settings import StackSettings, environment
from stack.start import make_folders

READY_S = 60


def free_port() -> int:
    """A loopback port that nothing has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OwnRedis:
    """Redis as the stack declares it, in a folder and on a port of the torture's own."""

    def __init__(self, folder: Path, disk_mib: int | None = None) -> None:
        """On a disk of its own of `disk_mib`, if given. Raises StackError where that cannot be had."""
        self._folder, self._mounted = folder, disk_mib is not None
        if disk_mib is not None:
            full_disk.mount(folder, disk_mib)
        layout = Layout(folder)
        make_folders(layout)
        (layout.state / "envs").symlink_to(HERE.state / "envs")
        settings = StackSettings(port_offset=0, redis_port=free_port())
        place = StackContext(layout, settings, environment(settings, layout, {}), frozenset())
        [self._service] = redis.services(place)
        self._log = layout.log("redis")
        self.url = place.environment["VITRINE_REDIS_URL"]
        assert self._service.prepare is not None
        self._service.prepare()
        self.start()

    def start(self) -> None:
        """Returns when it is ready. Raises StackError if it does not get so."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._service.command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while True:
            try:
                return self._service.health.check()
            except Unhealthy as reason:
                if time.monotonic() > deadline:
                    raise StackError(f"the torture's own Redis does not start: {reason}") from None
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def fill_disk(self) -> Callable[[], None]:
        """Leaves no byte free; gives what makes room again."""
        return full_disk.fill(self._folder)

    def end(self) -> None:
        """Ends it for good."""
        self.kill()
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)
