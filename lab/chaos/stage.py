"""A real stage that kills itself at a crash point: `python -m lab.chaos.stage gate|store|index [--plant
FAULT]`.

Standard input controls its fuse. A line `written 3` makes it end with SIGKILL when it passes that point for
the third time from now; an empty line disarms it. The end of the input, when the chaos test ends, ends it at
once.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from threading import Lock, Thread
from typing import IO

from lab.chaos.planted_faults import FAULTS
from streaming.contract.topology import GATE, INDEX, STORE
from streaming.gate.__main__ import main as gate
from streaming.sinks.elasticsearch.__main__ import main as index
from streaming.sinks.mongo.__main__ import main as store

STAGES: dict[str, Callable[[Callable[[str], None]], int]] = {
    GATE.name: gate,
    STORE.name: store,
    INDEX.name: index,
}


class Fuse:
    """Ends its process at a crash point. Several threads may pass points."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end, self._lock = end, Lock()
        self._point, self._left = "", 0

    def arm(self, line: str) -> None:
        """Arms the fuse with a line of standard input."""
        point, _, passings = line.partition(" ")
        with self._lock:
            self._point, self._left = point, int(passings or 0)

    def passing(self, point: str) -> None:
        with self._lock:
            if point != self._point:
                return
            self._left -= 1
            if self._left == 0:
                self._end()

    def listen(self, lines: IO[str]) -> None:
        """Arms the fuse with each of `lines`. After the last one, ends the process."""
        for line in lines:
            self.arm(line.strip())
        self._end()


def end_at_once() -> None:
    """Ends this process with SIGKILL, without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> int:
    """Runs the stage of the arguments, with a planted fault if they name one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--plant", choices=FAULTS)
    arguments = parser.parse_args()
    if arguments.plant:
        FAULTS[arguments.plant]()
    fuse = Fuse(end_at_once)
    Thread(target=fuse.listen, args=(sys.stdin,), daemon=True).start()
    return STAGES[arguments.stage](fuse.passing)


if __name__ == "__main__":
    sys.exit(main())
