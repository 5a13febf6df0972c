"""The monitor's probe of the services: reads the supervisor and runs the services' health checks."""

import re
from collections import Counter
from pathlib import Path

from stack import services as stack_declared
from stack import status
from stack.service import StackContext
from stack.supervisor import Supervisor
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading

_SPAWNED = re.compile(r"spawned: '([^']+)' with pid")
_BEGINNING = re.compile(r"supervisord started with pid")


class NotSupervised(Exception):
    """The supervisor does not answer."""


class ServicesProbe:
    """Raises NotSupervised while the supervisor does not answer."""

    def __init__(self, place: StackContext) -> None:
        self._place = place
        # Not the monitor itself: its caller sees whether it answers.
        self._services = [one for one in stack_declared.services(place) if one.name != "watch"]
        self._starts = Starts(place.layout.log("supervisor"))

    def __call__(self) -> list[Reading]:
        if not Supervisor(self._place.layout).running():
            raise NotSupervised("the supervisor does not answer")
        starts = self._starts.counted()
        readings = [
            Reading(catalogue.SERVICE_STARTS, count, {"service": service})
            for service, count in starts.items()
        ]
        for row in status.rows(self._place, self._services):
            if row.state != "stopped" or starts[row.name]:  # otherwise it was never started
                labels = {"service": row.name}
                readings.append(Reading(catalogue.SERVICE_UP, float(row.healthy), labels))
                readings.append(Reading(catalogue.RESIDENT_BYTES, row.resident_bytes, labels))
        return readings


class Starts:
    """Counts how often each service was started, from new lines of the supervisor's log. Polling the
    processes would miss one that dies quickly."""

    def __init__(self, log: Path) -> None:
        self._log, self._file_id, self._read_to = log, -1, 0
        self._counts: Counter[str] = Counter()

    def counted(self) -> Counter[str]:
        """Returns the starts of each service since the supervisor started, as far back as its log goes."""
        with self._log.open("rb") as log:
            file_id, size = (stat := self._log.stat()).st_ino, stat.st_size
            if file_id != self._file_id or size < self._read_to:  # rotated
                self._file_id, self._read_to = file_id, 0
            log.seek(self._read_to)
            lines = log.read().decode(errors="replace").split("\n")
            self._read_to += len("\n".join(lines[:-1]).encode()) + 1 if len(lines) > 1 else 0
        for line in lines[:-1]:
            if _BEGINNING.search(line):
                self._counts.clear()
            elif found := _SPAWNED.search(line):
                self._counts[found[1]] += 1
        return self._counts
