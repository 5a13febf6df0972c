"""Publishes the state of the services for the monitor, which must not talk to the supervisor: that one can
stop everything. Runs as an event listener of supervisord."""

import grp
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from supervisor import childutils

from stack import accounts, port_rule

LISTENER = "states"
"""Its name among supervisord's processes."""
STARTING = "PROCESS_STATE_STARTING"


@dataclass(frozen=True)
class ServiceState:
    """One service's process as supervisord last reported it."""

    name: str
    state: str
    pid: int
    started_at_s: int
    starts: int
    """How often it was started since the supervisor was."""


@dataclass(frozen=True)
class Published:
    """What the listener wrote last."""

    supervisor_pid: int
    services: tuple[ServiceState, ...]
    foreign_users_kept_out: bool
    """Whether the rule of `stack.port_rule` is in force."""


def read(file: Path) -> Published:
    """Returns what was last published. Raises OSError or ValueError if there is nothing valid."""
    try:
        found = json.loads(file.read_text())
        services = tuple(ServiceState(**one) for one in found.pop("services"))
        return Published(services=services, **found)
    except (TypeError, KeyError) as error:
        raise ValueError(f"{file} has another form: {error}") from error


def observed(processes: Iterable[Mapping[str, Any]], starts: Mapping[str, int]) -> tuple[ServiceState, ...]:
    """Returns supervisord's own description of its processes, without the listener."""
    return tuple(
        ServiceState(one["name"], one["statename"], one["pid"], one["start"], starts.get(one["name"], 0))
        for one in processes
        if one["name"] != LISTENER
    )


def write(file: Path, published: Published) -> None:
    """Replaces `file`; the accounts may read it."""
    unfinished = file.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(asdict(published), out)
    if os.geteuid() == 0:
        try:
            os.chown(unfinished, 0, grp.getgrnam(accounts.COMMON).gr_gid)
            unfinished.chmod(0o640)
        except KeyError:
            pass  # a stack whose services all run as root, as tests have it
    unfinished.replace(file)


def main(file: Path, table: str, rule: Path) -> None:
    """Publishes after each change of a process, and every minute, and applies the rule `table` again from the
    file `rule` if it is gone. Never returns; ends with supervisord."""
    rpc = childutils.getRPCInterface(os.environ).supervisor
    starts: Counter[str] = Counter()
    pid = int(rpc.getPID())
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        event = childutils.get_headers(payload)
        starts[event.get("processname", "")] += headers["eventname"] == STARTING
        try:
            services = observed(rpc.getAllProcessInfo(), starts)
            write(file, Published(pid, services, port_rule.kept_in_force(table, rule)))
        except OSError as error:
            print(f"{time.strftime('%FT%T')} not published: {error}", file=sys.stderr, flush=True)
        childutils.listener.ok(sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
