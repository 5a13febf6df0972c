"""Services start in the order of their needs, side by side where that leaves room, until all are healthy."""

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
"""Called with a service's name and what has become of it: starting, not healthy yet (with the
reason), healthy (with seconds), external."""


def up(
    place: StackContext,
    declared: tuple[Service, ...],
    wanted: tuple[Service, ...],
    tell: Tell,
    concerned: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Service, ...]:
    """Starts `wanted` (ordered, needs included) and starts again what runs otherwise than it is declared;
    returns all of these when they are healthy. `declared` are all services, known to the supervisor whether
    started or not; `concerned` says for each which changed settings concern it.
    Raises StackError for a port in use, too little memory, or a service that fails or is late."""
    supervisor = Supervisor(place.layout)
    if not supervisor.running():
        saved_settings.restarted(place.layout)
    changes = supervisor.declare(service for service in declared if not service.external)
    processes = supervisor.processes()
    notes = {
        name: reason((concerned or {}).get(name, ()))
        for name in changes.outdated
        if name in processes and processes[name].state not in ENDED
    }
    again = saved_settings.interrupted(place.layout) | (notes.keys() & changes.changed)
    names = again | {service.name for service in wanted}
    wanted = with_needs(declared, [service.name for service in declared if service.name in names])
    alive = {name for name, process in processes.items() if process.state in ("STARTING", "RUNNING")}
    fresh = frozenset(service.name for service in wanted if not service.external) - (alive - notes.keys())
    freed_bytes = sum(resident_bytes(processes[name].pid) for name in notes)
    free_bytes = psutil.virtual_memory().available + freed_bytes
    check_memory([service for service in wanted if service.name in fresh], free_bytes)
    if again:
        saved_settings.restarting(place.layout, again)
    _stop(supervisor, declared, changes, notes, tell)
    supervisor.adopt(changes)
    _bring_all(supervisor, wanted, fresh, notes, tell)
    saved_settings.restarted(place.layout)
    return wanted


def _stop(
    supervisor: Supervisor,
    declared: tuple[Service, ...],
    changes: Changes,
    notes: Mapping[str, str],
    tell: Tell,
) -> None:
    """Stops what runs otherwise than it is declared, those that need others first, and says why."""
    ordered = levels(with_needs(declared, [service.name for service in declared]))
    unknown = sorted(notes.keys() - {name for level in ordered for name in level})
    for level in (unknown, *ordered):
        names = [name for name in level if name in notes]
        for name in names:
            what = "restarting" if name in changes.changed else "stopping ours"
            tell(name, f"{what}, {notes[name]} …")
        supervisor.stop_all(names)
        for name in names:
            if name in changes.removed:
                tell(name, f"stopped, {notes[name]}")


def _bring_all(
    supervisor: Supervisor,
    wanted: tuple[Service, ...],
    fresh: frozenset[str],
    notes: Mapping[str, str],
    tell: Tell,
) -> None:
    asked: dict[str, Future[None]] = {}
    healthy: set[str] = set()
    given_up = Event()

    def bring(service: Service) -> None:
        _bring(supervisor, service, service.name in fresh, notes.get(service.name, ""), tell, given_up)

    with ThreadPoolExecutor(max_workers=len(wanted) or 1) as pool:
        try:
            while len(healthy) < len(wanted):
                for service in startable(wanted, asked, frozenset(healthy)):
                    asked[service.name] = pool.submit(bring, service)
                wait((asked[name] for name in asked.keys() - healthy), return_when=FIRST_COMPLETED)
                for name in [name for name in asked.keys() - healthy if asked[name].done()]:
                    asked[name].result()
                    healthy.add(name)
        finally:
            given_up.set()


def _bring(
    supervisor: Supervisor, service: Service, start: bool, note: str, tell: Tell, given_up: Event
) -> None:
    """Returns when `service` is healthy, or all is given up. Raises StackError if it is late.
    `note` is why one that ran before was stopped, empty for others."""
    began = said = time.monotonic()
    if start:
        if not note:
            tell(service.name, "starting")
        for port in service.ports:
            check_port(service.name, port)
        if service.prepare:
            service.prepare()
        supervisor.start(service.name)
    while (unhealthy := _reason_if_unhealthy(service)) is not None:
        now = time.monotonic()
        if now - began > service.start_timeout_s:
            raise _late(supervisor, service, unhealthy, now - began)
        if now - said > SAY_EVERY_S:
            said = now
            tell(service.name, f"not healthy after {now - began:.0f} s: {unhealthy} …")
        if given_up.wait(TICK_S):
            return
    if service.once_healthy:
        service.once_healthy()
    healthy = f"healthy after {time.monotonic() - began:.0f} s" if start else "healthy"
    stopped = f", {'restarted' if start else 'ours stopped'}: {note}" if note else ""
    tell(service.name, healthy + stopped)


def _reason_if_unhealthy(service: Service) -> str | None:
    try:
        service.health.check()
    except Unhealthy as reason:
        return str(reason)
    return None


def _late(supervisor: Supervisor, service: Service, reason: str, waited_s: float) -> StackError:
    if service.external:
        return StackError(f"{service.name}, which you run elsewhere, is not healthy: {reason}")
    process = supervisor.processes().get(service.name)
    state = process.state.lower() if process else "gone"
    return StackError(
        f"{service.name} did not become healthy in {waited_s:.0f} s ({state}): {reason}", service=service.name
    )


def check_memory(services: Iterable[Service], available_bytes: int) -> None:
    """Raises StackError if what is about to start will not fit into the memory that is free."""
    needed_mib = sum(service.memory_mib for service in services)
    available_mib = available_bytes // 2**20
    if needed_mib > available_mib:
        raise StackError(
            f"too little memory: what is to be started needs {needed_mib} MiB, {available_mib} MiB are free. "
            "Close something, or start fewer services: ./vitrine up SERVICE…"
        )


def check_port(service: str, port: int) -> None:
    """Raises StackError, naming who has it as far as we may know, if `port` is taken on loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise StackError(port_taken(service, port, _listener(port))) from None


def port_taken(service: str, port: int, listener: tuple[int, str] | None) -> str:
    """The message for a port that another process has."""
    who = f"process {listener[0]} ({listener[1]})" if listener else "a process of another user"
    return (
        f"{service} cannot start: port {port} is in use by {who}. Stop that process, or choose other ports: "
        "VITRINE_PORT_OFFSET=1000 ./vitrine … moves all of them (./vitrine settings lists each)."
    )


def _listener(port: int) -> tuple[int, str] | None:
    """The process that listens on `port`, as far as we may know."""
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
    """The folders that every service may take for granted."""
    for folder in (layout.run, layout.logs, layout.stores, layout.data):
        folder.mkdir(parents=True, exist_ok=True)
