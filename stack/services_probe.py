"""The monitor's probe of the services: their states as published for it, and their health checks."""

import psutil

from stack import process_states, status
from stack import services as stack_declared
from stack.service import StackContext
from stack.supervisor import Process
from streaming.metrics import catalogue
from streaming.metrics.kinds import Reading


class NotSupervised(Exception):
    """The supervisor does not run."""


class ServicesProbe:
    """Raises NotSupervised while the supervisor does not run."""

    def __init__(self, place: StackContext) -> None:
        self._place = place
        # Not the monitor itself: its caller sees whether it answers.
        self._services = [one for one in stack_declared.services(place) if one.name != "watch"]

    def __call__(self) -> list[Reading]:
        try:
            published = process_states.read(self._place.layout.states)
        except (OSError, ValueError) as error:
            raise NotSupervised("the states of the services are not published") from error
        if not psutil.pid_exists(published.supervisor_pid):
            raise NotSupervised("the supervisor does not run")
        starts = {one.name: one.starts for one in published.services}
        processes = {
            one.name: Process(one.name, one.state, one.pid, one.started_at_s) for one in published.services
        }
        readings = [
            Reading(catalogue.SERVICE_STARTS, count, {"service": service})
            for service, count in starts.items()
            if count
        ]
        readings.append(
            Reading(catalogue.FOREIGN_USERS_KEPT_OUT, float(published.foreign_users_kept_out), {})
        )
        for row in status.rows(self._place, self._services, processes):
            if row.state != "stopped" or starts.get(row.name):  # otherwise it was never started
                labels = {"service": row.name}
                readings.append(Reading(catalogue.SERVICE_UP, float(row.healthy), labels))
                readings.append(Reading(catalogue.RESIDENT_BYTES, row.resident_bytes, labels))
        return readings
