"""Finds every TCP port that a process of this stack listens on, from the kernel."""

from contextlib import suppress

import psutil

from stack import accounts
from stack.service import StackContext
from stack.supervisor import Supervisor

UNDECLARED = "undeclared"
"""A process of ours that belongs to no service that the supervisor runs."""


def ports(place: StackContext) -> dict[int, str]:
    """Returns the listening ports, each with its service."""
    services = _services(place)
    found: dict[int, str] = {}
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid is not None:
            service = services.get(connection.pid) or _left_over(place, connection.pid)
            if service and connection.laddr:
                found[connection.laddr.port] = service
    return dict(sorted(found.items()))


def _services(place: StackContext) -> dict[int, str]:
    """The service of each process that the supervisor started, or that one of these started."""
    found: dict[int, str] = {}
    for name, process in Supervisor(place.layout).processes().items():
        if process.pid:
            with suppress(psutil.Error):
                parent = psutil.Process(process.pid)
                found |= {one.pid: name for one in (parent, *parent.children(recursive=True))}
    return found


def _left_over(place: StackContext, pid: int) -> str:
    """A process of an account in this checkout that the supervisor does not know; empty for others."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        here = str(place.layout.root)
        if process.username() in accounts.ALL and (process.cwd() + "/").startswith(here + "/"):
            return UNDECLARED
    return ""
