"""Starts services after those they need, in parallel where possible, and waits until all are healthy."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event

import psutil

from stack import saved_settings
from stack.changes import Changes, reason
from stack.layout import Layout
from stack.service import Service, StackContext, StackError, Unhealthy
from stack.services import levels, startable, with_needs
from stack.status import resident_bytes
from stack.supervisor import ENDED, Supervisor

TICK_S = 0.3
SAY_EVERY_S = 30.0
Tell = Callable[[str, str], None]
"""Called with a service's name and its new state: starting, not healthy yet (with the reason), healthy
(with seconds), external."""


def up(
    place: StackContext,
    declared: tuple[Service, ...],
    wanted: tuple[Service, ...],
    tell: Tell,
    concerned: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Service, ...]:
    """Starts `wanted` (ordered, needs included) and restarts running services whose declaration has changed;
    returns all of these when they are healthy. `declared`: all services, which the supervisor knows whether
    started or not. `concerned`: for each service, the changed settings that it reads.
    Raises StackError for a port in use, too little memory, or a service that is not healthy in time."""
    supervisor = Supervisor(place.layout)
    if not supervisor.running():
        saved_settings.restarted(place.layout)
    changes = supervisor.declare(service for service in declared if not service.external)
    processes = supervisor.processes()
    reasons = {
        name: reason((concerned or {}).get(name, ()))
        for name in changes.outdated
        if name in processes and processes[name].state not in ENDED
    }
    to_restart = saved_settings.interrupted(place.layout) | (reasons.keys() & changes.changed)
    names = to_restart | {service.name for service in wanted}
    wanted = with_needs(declared, [service.name for service in declared if service.name in names])
    alive = {name for name, process in processes.items() if process.state in ("STARTING", "RUNNING")}
    own = frozenset(service.name for service in wanted if not service.external)
    to_start = own - (alive - reasons.keys())
    freed_bytes = sum(resident_bytes(processes[name].pid) for name in reasons)
    free_bytes = psutil.virtual_memory().available + freed_bytes
    check_memory([service for service in wanted if service.name in to_start], free_bytes)
    if to_restart:
        saved_settings.restarting(place.layout, to_restart)
    _stop(supervisor, declared, changes, reasons, tell)
    supervisor.adopt(changes)
    _start_all(supervisor, wanted, to_start, reasons, tell)
    saved_settings.restarted(place.layout)
    return wanted


def _stop(
    supervisor: Supervisor,
    declared: tuple[Service, ...],
    changes: Changes,
    reasons: Mapping[str, str],
    tell: Tell,
) -> None:
    """Stops the services in `reasons`, those that need others first, and passes the reason to `tell`."""
    ordered = levels(with_needs(declared, [service.name for service in declared]))
    unknown = sorted(reasons.keys() - {name for level in ordered for name in level})
    for level in (unknown, *ordered):
        names = [name for name in level if name in reasons]
        for name in names:
            what = "restarting" if name in changes.changed else "stopping the one started here"
            tell(name, f"{what}: {reasons[name]} …")
        supervisor.stop_all(names)
        for name in names:
            if name in changes.removed:
                tell(name, f"stopped: {reasons[name]}")


def _start_all(
    supervisor: Supervisor,
    wanted: tuple[Service, ...],
    to_start: frozenset[str],
    reasons: Mapping[str, str],
    tell: Tell,
) -> None:
    begun: dict[str, Future[None]] = {}
    healthy: set[str] = set()
    given_up = Event()

    def start(service: Service) -> None:
        _start(supervisor, service, service.name in to_start, reasons.get(service.name, ""), tell, given_up)

    with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
        try:
            while len(healthy) < len(wanted):
                for service in startable(wanted, begun, frozenset(healthy)):
                    begun[service.name] = pool.submit(start, service)
                wait((begun[name] for name in begun.keys() - healthy), return_when=FIRST_COMPLETED)
                for name in [name for name in begun.keys() - healthy if begun[name].done()]:
                    begun[name].result()
                    healthy.add(name)
        finally:
            given_up.set()


def _start(
    supervisor: Supervisor, service: Service, start: bool, stopped_for: str, tell: Tell, given_up: Event
) -> None:
    """Returns when `service` is healthy or `given_up` is set. Raises StackError if it is not healthy in time.
    `stopped_for`: why the process that ran before was stopped; empty if none was."""
    began = last_told = time.monotonic()
    if start:
        if not stopped_for:
            tell(service.name, "starting")
        for port in service.ports:
            check_port(service.name, port)
        if service.prepare:
            service.prepare()
        supervisor.start(service.name)
    while (unhealthy := _reason_if_unhealthy(service)) is not None:
        now = time.monotonic()
        if now - began > service.start_timeout_s:
            raise _not_in_time(supervisor, service, unhealthy, now - began)
        if now - last_told > SAY_EVERY_S:
            last_told = now
            tell(service.name, f"not healthy after {now - began:.0f} s: {unhealthy} …")
        if given_up.wait(TICK_S):
            return
    if service.once_healthy:
        service.once_healthy()
    healthy = f"healthy after {time.monotonic() - began:.0f} s" if start else "healthy"
    what = "restarted" if start else "the one started here was stopped"
    tell(service.name, healthy + (f", {what}: {stopped_for}" if stopped_for else ""))


def _reason_if_unhealthy(service: Service) -> str | None:
    try:
        service.health.check()
    except Unhealthy as reason:
        return str(reason)
    return None


def _not_in_time(supervisor: Supervisor, service: Service, reason: str, waited_s: float) -> StackError:
    if service.external:
        return StackError(f"{service.name}, which you run elsewhere, is not healthy: {reason}")
    process = supervisor.processes().get(service.name)
    state = process.state.lower() if process else "gone"
    return StackError(
        f"{service.name} did not become healthy in {waited_s:.0f} s ({state}): {reason}", service=service.name
    )


def check_memory(services: Iterable[Service], available_bytes: int) -> None:
    """Raises StackError if `services` need more memory than `available_bytes`."""
    needed_mib = sum(service.memory_mib for service in services)
    available_mib = available_bytes // 2**20
    if needed_mib > available_mib:
        raise StackError(
            f"too little memory: these services need {needed_mib} MiB, {available_mib} MiB are free. "
            "Close something, or start fewer services: ./vitrine up SERVICE…"
        )


def check_port(service: str, port: int) -> None:
    """Raises StackError if `port` is in use on loopback. Names the process if we may see it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StackError(port_taken(service, port, _listener(port))) from None


def port_taken(service: str, port: int, listener: tuple[int, str] | None) -> str:
    """Returns the message for a port that another process listens on."""
    who = f"process {listener[0]} ({listener[1]})" if listener else "a process of another user"
    return (
        f"{service} cannot start: port {port} is in use by {who}. Stop that process, or choose other ports: "
        "VITRINE_PORT_OFFSET=1000 ./vitrine … moves all of them (./vitrine settings lists each)."
    )


def _listener(port: int) -> tuple[int, str] | None:
    """Returns id and name of the process that listens on `port`; None if we may not see it."""
    try:
        for process in psutil.process_iter(["name"]):
            with contextlib.suppress(psutil.Error):
                for connection in process.net_connections("tcp"):
                    local = connection.laddr
                    if connection.status == psutil.CONN_LISTEN and local and local[1] == port:
                        return process.pid, str(process.info["name"])
    except psutil.Error:
        return None
    return None


def make_folders(layout: Layout) -> None:
    """Makes the folders that every service needs."""
    for folder in (layout.run, layout.logs, layout.stores, layout.data):
        folder.mkdir(parents=True, exist_ok=True)
