"""Finds every TCP port that a process of this stack listens on, from the kernel."""

import os
from contextlib import suppress
from typing import NamedTuple

import psutil

from stack import accounts
from stack.service import StackContext
from stack.supervisor import Supervisor


class Address(NamedTuple):
    """An address of this machine at which something listens."""

    host: str
    port: int


UNDECLARED = "undeclared"
"""A process of ours that belongs to no service that the supervisor runs."""
_EVERYWHERE = {"0.0.0.0": ("127.0.0.1",), "::": ("::1", "127.0.0.1")}
_MAPPED = "::ffff:"
"""How the kernel writes an IPv4 address at which a socket of IPv6 listens."""


def ports(place: StackContext) -> dict[Address, str]:
    """Returns the addresses at which a process of this stack listens, each with its service."""
    services = _services(place)
    found: dict[Address, str] = {}
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.pid is not None:
            service = services.get(connection.pid) or _left_over(place, connection.pid)
            if service and connection.laddr:
                found |= dict.fromkeys(tried(*connection.laddr), service)
    return dict(sorted(found.items(), key=lambda item: (item[0].port, item[0].host)))


def tried(host: str, port: int) -> list[Address]:
    """Returns where to try what listens at `host`: there, or at this machine's own if it is everywhere."""
    plain = host.removeprefix(_MAPPED) if "." in host else host
    return [Address(one, port) for one in _EVERYWHERE.get(plain, (plain,))]


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
    """A process of this checkout that the supervisor does not know; empty for others, and for this command
    and what started it."""
    with suppress(psutil.Error):
        process, own = psutil.Process(pid), psutil.Process()
        if pid in {own.pid, *(one.pid for one in own.parents())}:
            return ""
        account = process.username() in accounts.ALL
        if not account and process.uids().real != os.getuid():
            return ""
        folder = place.layout.root if account else place.layout.state
        if any(_below(word, str(folder)) for word in _traces(process)):
            return UNDECLARED
    return ""


def _traces(process: psutil.Process) -> list[str]:
    """Where a process came from: it may have left the folder in which it was started."""
    found: list[str] = []
    for look in (process.cwd, process.exe):
        with suppress(psutil.Error):
            found.append(look())
    with suppress(psutil.Error):
        found += process.cmdline()
    return found


def _below(word: str, folder: str) -> bool:
    return word == folder or folder + "/" in word
