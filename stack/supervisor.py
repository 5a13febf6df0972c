"""The process supervisor: supervisord of this checkout alone, reached by its unix socket.

supervisord restarts what dies with a growing pause, rotates logs and stops whole process groups. What it does
not know is order and readiness; that is `stack.start`.
"""

import contextlib
import http.client
import os
import shlex
import signal
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from stack import saved_settings
from stack.changes import Changes
from stack.layout import Layout
from stack.service import Service, StackError

# supervisord waits one second longer before each further attempt; so many attempts never end.
START_RETRIES = 1_000_000
STARTED_AFTER_S = 2
LAUNCHED_WITHIN_S = 120
LOG_MAX_BYTES = 20_000_000
LOG_BACKUPS = 2
CONFIGURATION = "VITRINE_CONFIGURATION_SHA256"
ENDED = ("STOPPED", "EXITED", "FATAL")


@dataclass(frozen=True)
class Process:
    """What supervisord says of one service.

    `state`: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL."""

    name: str
    state: str
    pid: int
    started_at_s: int


def _quoted(value: str) -> str:
    """One value of an `environment=` line: supervisord strips quotes and expands per cent signs."""
    quote = '"' if '"' not in value else "'"
    if quote in value or "\n" in value:
        raise StackError(
            f"a setting with both kinds of quotes or a line break cannot be passed on: {value[:20]}…"
        )
    return quote + value.replace("%", "%%") + quote


def render(layout: Layout, services: Iterable[Service]) -> str:
    """supervisord's configuration. It holds secrets: to be written for its owner's eyes alone."""
    sections: list[tuple[str, dict[str, object]]] = [
        ("unix_http_server", {"file": layout.socket, "chmod": "0600"}),
        (
            "supervisord",
            {
                "logfile": layout.logs / "supervisor.log",
                "pidfile": layout.run / "supervisor.pid",
                "directory": layout.root,
                "identifier": "vitrine",
                "umask": "077",  # of the logs, which it writes itself
                "minfds": 65_536 if _can_open(65_536) else 1_024,
            },
        ),
        ("rpcinterface:supervisor", {"supervisor.rpcinterface_factory": FACTORY}),
        *((f"program:{service.name}", _program(layout, service)) for service in services),
    ]
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in pairs.items())
        for name, pairs in sections
    )


FACTORY = "supervisor.rpcinterface:make_main_rpcinterface"


def _can_open(files: int) -> bool:
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= files


def _program(layout: Layout, service: Service) -> dict[str, object]:
    variables = dict(service.environment)
    if service.configuration:
        # No process reads it: by this supervisord sees that a file has changed.
        variables[CONFIGURATION] = sha256(service.configuration.encode()).hexdigest()
    return {
        "command": shlex.join(service.command).replace("%", "%%"),
        "directory": service.directory or layout.root,
        # What the stores keep names people: it is for their owner's eyes alone.
        "umask": "077",
        "environment": ",".join(f"{name}={_quoted(value)}" for name, value in sorted(variables.items())),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": STARTED_AFTER_S,
        "startretries": START_RETRIES,
        "stopsignal": service.stop_signal,
        "stopwaitsecs": service.stop_timeout_s,
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": layout.log(service.name),
        "stdout_logfile_maxbytes": LOG_MAX_BYTES,
        "stdout_logfile_backups": LOG_BACKUPS,
    }


class Supervisor:
    """Control of this checkout's supervisord."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def configuration(self) -> Path:
        return self._layout.run / "supervisord.conf"

    def _rpc(self) -> Any:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._layout.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def running(self) -> bool:
        """Whether it answers."""
        try:
            return bool(self._rpc().getState()["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException):
            return False

    def declare(self, services: Iterable[Service]) -> Changes:
        """Starts supervisord, detached from this shell, or has it read the new declarations if it runs.
        No service is started or stopped by this: what it has of those that differ stays until `adopt`."""
        self._layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.configuration, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(render(self._layout, services))
        if self.running():
            added, changed, removed = (frozenset(names) for names in self._rpc().reloadConfig()[0])
            return Changes(changed, removed, added)
        command = [
            str(self._layout.environment("main") / "bin" / "supervisord"),
            "-c",
            str(self.configuration),
        ]
        # Each service inherits this environment. Of our settings it is to find those alone that it reads.
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(saved_settings.PREFIXES)
        }
        started = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self._layout.root, env=inherited
        )
        deadline = time.monotonic() + LAUNCHED_WITHIN_S
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.running():
                return Changes()
            time.sleep(0.1)
        raise StackError(f"supervisord did not start: {started.stdout}{started.stderr}", "supervisor")

    def adopt(self, changes: Changes) -> None:
        """Puts the new declarations in the place of the old ones. What is outdated must not run."""
        rpc = self._rpc()
        for name in changes.outdated:
            rpc.removeProcessGroup(name)
        for name in changes.added | changes.changed:
            rpc.addProcessGroup(name)

    def processes(self) -> dict[str, Process]:
        """What runs, by service; empty if supervisord does not run."""
        if not self.running():
            return {}
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"], info["start"])
            for info in self._rpc().getAllProcessInfo()
        }

    def start(self, name: str) -> None:
        """Asks for `name` to be started; does nothing if it is."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._rpc().startProcess(name, False)

    def stop_all(self, names: Iterable[str], timeout_s: float = 90) -> None:
        """Stops the services `names` side by side, each with its process group, and waits for their end."""
        left = set(names)
        for name in left:
            with contextlib.suppress(xmlrpc.client.Fault):
                self._rpc().stopProcess(name, False)
        deadline = time.monotonic() + timeout_s
        while left and time.monotonic() < deadline:
            processes = self.processes()
            left = {name for name in left if name in processes and processes[name].state not in ENDED}
            time.sleep(0.1)

    def shutdown(self, timeout_s: float = 90) -> None:
        """Ends supervisord, after which nothing of this checkout runs."""
        pid = int(self._rpc().getPID())
        self._rpc().shutdown()
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)


def end_of_log(layout: Layout, service: str, lines: int = 25) -> str:
    """The last lines of a service's log."""
    try:
        text = layout.log(service).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
