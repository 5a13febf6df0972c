"""A separate Redis that can be killed, emptied and restored, for benchmarks, the chaos test and tests."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from lab.ports import free_port
from stack.components import redis
from stack.layout import HERE, Layout
from stack.service import StackContext, StackError, Unhealthy
from stack.settings import StackSettings, environment
from stack.start import make_folders
from streaming.settings import RedisSettings

READY_S = 60


class OwnRedis:
    """Redis as the local stack declares it, but in `folder` and on a free port."""

    def __init__(self, folder: Path, persists: bool = True) -> None:
        """Starts it. `persists`: true to keep its data in an append-only file. Raises StackError."""
        layout = Layout(folder)
        make_folders(layout)
        (layout.state / "envs").symlink_to(HERE.state / "envs")
        stack = StackSettings(port_offset=0, redis_port=free_port())
        place = StackContext(layout, stack, environment(stack, layout, {}), frozenset())
        [self._service] = redis.services(place)
        self._command = [*self._service.command, "--appendonly", "yes" if persists else "no"]
        self._log, self._data = layout.log("redis"), layout.stores / "redis"
        self.url = place.environment["VITRINE_REDIS_URL"]
        self.settings = RedisSettings(url=SecretStr(self.url))
        assert self._service.prepare is not None
        self._service.prepare()
        self.start()

    def start(self) -> None:
        """Returns when it is ready. Raises StackError if it does not become ready."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_S
        while True:
            try:
                return self._service.health.check()
            except Unhealthy as reason:
                if time.monotonic() > deadline:
                    self.kill()
                    raise StackError(f"the separate Redis does not start: {reason}") from None
                time.sleep(0.05)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """Kills it with SIGKILL."""
        self._process.kill()
        self._process.wait()

    def back_up(self, to: Path) -> None:
        """Kills it, copies its files to `to`, and starts it again."""
        self.kill()
        shutil.copytree(self._data, to)
        self.start()

    def restore(self, backup: Path) -> None:
        """Kills it, replaces its data by `backup`, and starts it again."""
        self.kill()
        shutil.rmtree(self._data)
        shutil.copytree(backup, self._data)
        self.start()


@contextmanager
def in_memory() -> Iterator[RedisSettings]:
    """Yields the settings of a Redis that keeps no file and ends with the context. Raises StackError if it
    does not start."""
    with TemporaryDirectory(prefix="vitrine-redis-") as folder:
        server = OwnRedis(Path(folder), persists=False)
        try:
            yield server.settings
        finally:
            server.kill()
