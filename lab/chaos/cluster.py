"""The stages of a chaos test: two instances of each, and the process that keeps the Flink job running."""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.components import flink
from stack.layout import HERE
from stack.service import StackContext
from streaming.contract.topology import FLINK_JOB

INSTANCES = ("a", "b")
KEEPER = FLINK_JOB.name


@dataclass
class _Member:
    stage: str
    instance: str
    process: subprocess.Popen[str]


class Cluster:
    """Starts the stages, kills them, and restarts those that ended."""

    def __init__(
        self,
        place: StackContext,
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
        """How often a stage ended by itself, as it may while the broker is unavailable, and was restarted."""
        for stage in self._variables:
            for instance in INSTANCES if stage != KEEPER else INSTANCES[:1]:
                self._start(stage, instance)

    def _start(self, stage: str, instance: str) -> None:
        python = str(HERE.python("main"))
        if stage == KEEPER:
            command = [python, "-m", "streaming.summaries.submitter"]
        else:
            command = [python, "-m", "lab.chaos.stage", stage]
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
        """Returns the process ids of the running instances of `stage`."""
        return {
            member.instance: member.process.pid
            for member in self._members.values()
            if member.stage == stage and member.process.poll() is None
        }

    def kill(self, stage: str, instance: str) -> None:
        """Kills an instance with SIGKILL."""
        process = self._members[stage, instance].process
        process.kill()
        process.wait()

    def arm(self, stage: str, line: str) -> None:
        """Arms the fuse of every instance of `stage`: `line` has a point and the number of passings after
        which the process ends (`lab.chaos.stage`); empty disarms it."""
        for member in self._members.values():
            if member.stage == stage and member.process.poll() is None and member.process.stdin:
                try:
                    member.process.stdin.write(line + "\n")
                    member.process.stdin.flush()
                except BrokenPipeError:
                    continue

    def killed(self, stage: str) -> list[str]:
        """Returns the instances of `stage` that ended by SIGKILL."""
        return [
            member.instance
            for member in self._members.values()
            if member.stage == stage and member.process.poll() == -signal.SIGKILL
        ]

    def keep(self) -> None:
        """Restarts instances that ended by themselves, as the stack's supervisor would, and one instance of a
        stage that has none left: both may have reached the point at which they were to end."""
        for name, member in list(self._members.items()):
            if member.process.poll() not in (None, -signal.SIGKILL):
                self.restarts += member.stage != KEEPER
                self._start(*name)
            elif not self.pids(member.stage):
                self._start(*name)

    def revive(self) -> None:
        """Restarts all instances that ended, including killed ones."""
        self.keep()
        for name, member in list(self._members.items()):
            if member.process.poll() is not None:
                self._start(*name)

    def end(self) -> None:
        """Kills all instances."""
        for member in self._members.values():
            member.process.kill()
            member.process.wait()
        self._members.clear()
