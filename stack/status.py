"""The state of the services: process, uptime, health, address and memory."""

import contextlib
import time
import urllib.request
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import msgspec
import psutil
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stack import airflow_passwords, doors, interrupted_restore
from stack.service import Service, StackContext, Unhealthy
from stack.supervisor import Process, Supervisor
from streaming.contract.visible import visible
from streaming.metrics import catalogue
from streaming.monitor.probe_history import Recent


@dataclass(frozen=True)
class Row:
    """One service as `status --json` prints it."""

    name: str
    state: str
    """running, starting, backoff (died, will be restarted), stopped, external …"""
    pid: int | None
    uptime_s: int | None
    healthy: bool
    reason: str | None
    """Why it is not healthy."""
    address: str
    resident_bytes: int
    """Of the process and all its children."""


def rows(
    place: StackContext, services: Iterable[Service], known: Mapping[str, Process] | None = None
) -> list[Row]:
    """Returns the state of each service. The health checks run in parallel. `known`: the processes, for who
    may not ask the supervisor."""
    processes = Supervisor(place.layout).processes() if known is None else known
    with ThreadPoolExecutor(max_workers=16) as pool:
        return list(pool.map(lambda service: _row(service, processes.get(service.name)), services))


def _row(service: Service, process: Process | None) -> Row:
    running = process is not None and process.state == "RUNNING"
    reason: str | None = "not running"
    if running or service.external:
        try:
            service.health.check()
            reason = None
        except Unhealthy as unhealthy:
            reason = str(unhealthy)
    return Row(
        name=service.name,
        state="external" if service.external else process.state.lower() if process else "stopped",
        pid=process.pid if process and running else None,
        uptime_s=int(time.time()) - process.started_at_s if process and running else None,
        healthy=reason is None,
        reason=reason,
        address=service.address,
        resident_bytes=resident_bytes(process.pid) if process and running else 0,
    )


def resident_bytes(pid: int) -> int:
    """Returns the resident memory of a process and its children; 0 if it has ended."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for one in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    return total


def lag(place: StackContext) -> dict[str, int] | None:
    """Returns the consumer lag of each stage as the monitor last read it; None if the monitor does not answer
    or has no answer from Kafka."""
    try:
        with urllib.request.urlopen(f"{place.environment['VITRINE_WATCH_URL']}/recent", timeout=2) as answer:
            recent = msgspec.json.decode(answer.read(), type=Recent)
    except (OSError, msgspec.MsgspecError):
        return None
    if not any(one.probe == "kafka" and one.away is None for one in recent.probes):
        return None
    behind: dict[str, int] = {}
    for one in recent.readings:
        if one.metric == catalogue.LAG_RECORDS.name:
            stage = one.labels["stage"]
            behind[stage] = behind.get(stage, 0) + int(one.value)
    return behind


def as_json(place: StackContext, found: list[Row]) -> dict[str, object]:
    """Returns the object that `status --json` prints."""
    return {
        "healthy": all(row.healthy for row in found),
        "services": [asdict(row) for row in found],
        "resident_bytes": sum(row.resident_bytes for row in found),
        "lag": lag(place),
        "interrupted_restore": interrupted_restore.of(place.layout),
        "foreign_users_kept_out": doors.kept_out(place),
        "airflow": {"url": place.environment["VITRINE_AIRFLOW_URL"], "users": place.settings.users},
    }


def print_table(place: StackContext, found: list[Row]) -> None:
    """Prints the same as a table on standard output."""
    console, table = Console(highlight=False), Table(box=None, pad_edge=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    for column in ("service", "state", "healthy", "address", "pid", "uptime", "memory"):
        table.add_column(column, justify="right" if column in ("pid", "uptime", "memory") else "left")
    for row in found:
        table.add_row(
            row.name,
            row.state,
            "yes" if row.healthy else Text(visible(f"no: {row.reason}")) if row.state != "stopped" else "",
            Text(visible(row.address)),
            str(row.pid or ""),
            f"{row.uptime_s // 3600}:{row.uptime_s // 60 % 60:02}:{row.uptime_s % 60:02}"
            if row.uptime_s
            else "",
            f"{row.resident_bytes // 2**20} MiB" if row.resident_bytes else "",
        )
    console.print(table)
    console.print(f"\n{sum(row.resident_bytes for row in found) / 2**30:.1f} GiB resident in all")
    behind = lag(place)
    if behind is None and any(row.name == "watch" and row.healthy for row in found):
        console.print("Consumer lag: unknown, the monitor has no answer from Kafka")
    if behind:
        lags = ", ".join(f"{stage} {records}" for stage, records in behind.items())
        console.print(Text(visible(f"Consumer lag in records: {lags}")))
    if backup := interrupted_restore.of(place.layout):
        told = f"The restore of {backup} was interrupted. To complete it: ./vitrine restore"
        console.print(Text(visible(told)))
    console.print(Text(login(place)))
    if doors.kept_out(place):
        console.print(
            Text(f"Only the users who need them connect to ports {doors.kept(place)}: a rule of root's")
        )
    elif any(row.state == "running" for row in found):
        console.print(Text(f"{doors.OPEN}: the rule that root's start makes is not in force."))


def login(place: StackContext) -> str:
    """Returns Airflow's address and users, without passwords."""
    url, users = place.environment["VITRINE_AIRFLOW_URL"], place.settings.users
    listed = ", ".join(f"{name} ({role})" for name, role in users.items())
    return f"Airflow: {url}  users: {listed}  (./vitrine password shows a password)"


def new_logins(place: StackContext) -> str:
    """Returns the passwords that were not shown yet, a line each."""
    fresh = airflow_passwords.take_unshown(place.layout)
    return "\n".join(
        f"Airflow's user {name}: password {visible(password)}, shown only this once "
        f"(./vitrine password {name})"
        for name, password in fresh.items()
    )
