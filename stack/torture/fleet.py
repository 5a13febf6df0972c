"""The processes that are the torture's own: two instances of each stage, the job's keeper, a Redis."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stack.components import flink, redis
from stack.layout import HERE, Layout
from stack.service import Place, StackError, Unhealthy
from stack.settings import StackSettings, environment
from stack.up import make_folders

INSTANCES = ("a", "b")
KEEPER = "flink-job"
REDIS_READY_S = 60


@dataclass
class _Member:
    stage: str
    instance: str
    process: subprocess.Popen[str]


class Fleet:
    """Starts the stages, ends them, and starts again what ended."""

    def __init__(
        self,
        place: Place,
        stages: Iterable[str],
        variables: Mapping[str, str],
        folder: Path,
        plant: str | None,
    ) -> None:
        self._variables = {
            stage: os.environ | variables | (flink.variables(place) if stage == KEEPER else {})
            for stage in stages
        }
        self._folder, self._plant = folder, plant
        self._members: dict[tuple[str, str], _Member] = {}
        self.restarts = 0
        """How often a stage ended by itself, as it may when its broker is gone, and was started again."""
        for stage in self._variables:
            for instance in INSTANCES if stage != KEEPER else INSTANCES[:1]:
                self._start(stage, instance)

    def _start(self, stage: str, instance: str) -> None:
        python = str(HERE.python("main"))
        if stage == KEEPER:
            command = [python, "-m", "stack.flink_job"]
        else:
            command = [python, "-m", "streaming.torture.stage", stage]
            command += ["--plant", self._plant] if self._plant else []
        with (self._folder / f"{stage}-{instance}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self._variables[stage] | {"VITRINE_GATE_INSTANCE": instance},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                cwd=HERE.root,
                start_new_session=True,
            )
        self._members[stage, instance] = _Member(stage, instance, process)

    def pids(self, stage: str) -> dict[str, int]:
        """Of the instances of `stage` that run."""
        return {
            member.instance: member.process.pid
            for member in self._members.values()
            if member.stage == stage and member.process.poll() is None
        }

    def kill(self, stage: str, instance: str) -> None:
        """SIGKILL."""
        process = self._members[stage, instance].process
        process.kill()
        process.wait()

    def arm(self, stage: str, line: str) -> None:
        """Tells every instance of `stage` at which passing of which point to end; "" that it need not."""
        for member in self._members.values():
            if member.stage == stage and member.process.poll() is None and member.process.stdin:
                try:
                    member.process.stdin.write(line + "\n")
                    member.process.stdin.flush()
                except BrokenPipeError:
                    continue

    def killed(self, stage: str) -> list[str]:
        """The instances of `stage` that SIGKILL has ended."""
        return [
            member.instance
            for member in self._members.values()
            if member.stage == stage and member.process.poll() == -signal.SIGKILL
        ]

    def keep(self) -> None:
        """Starts again what has ended by itself, as the stack's supervisor does."""
        for name, member in list(self._members.items()):
            if member.process.poll() not in (None, -signal.SIGKILL):
                self.restarts += member.stage != KEEPER
                self._start(*name)

    def revive(self) -> None:
        """Starts again what has ended, the killed included."""
        self.keep()
        for name, member in list(self._members.items()):
            if member.process.poll() is not None:
                self._start(*name)

    def end(self) -> None:
        """Ends all, at once."""
        for member in self._members.values():
            member.process.kill()
            member.process.wait()
        self._members.clear()


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
            _mount(folder, disk_mib)
        layout = Layout(folder)
        make_folders(layout)
        (layout.state / "envs").symlink_to(HERE.state / "envs")
        settings = StackSettings(port_offset=0, redis_port=free_port())
        place = Place(layout, settings, environment(settings, layout, {}), frozenset())
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
        deadline = time.monotonic() + REDIS_READY_S
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
        filler = self._folder / "filler"
        with suppress(OSError), filler.open("wb", buffering=0) as file:
            while file.write(bytes(2**16)):
                pass
        return filler.unlink

    def end(self) -> None:
        """Ends it for good."""
        self.kill()
        if self._mounted:
            subprocess.run(["umount", str(self._folder)], check=True)


def _mount(folder: Path, mib: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise StackError(f"a full disk needs a small one to be mounted, as root can: {done.stderr.strip()}")
