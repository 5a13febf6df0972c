"""The process supervisor: a supervisord of this checkout only, controlled over its unix socket.

supervisord restarts processes that die, after a growing pause, rotates logs and stops whole process groups.
It knows neither order nor readiness; `stack.start` does.
"""

import contextlib
import http.client
import os
import shlex
import signal
import stat
import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from stack import checkout_owner, port_rule, process_states
from stack.changes import Changes
from stack.inherited import inherited
from stack.layout import HERE, Layout
from stack.service import Service, StackError

# supervisord waits one second longer before each further attempt; with this many it never gives up.
START_RETRIES = 1_000_000
STARTED_AFTER_S = 2
LAUNCHED_WITHIN_S = 120
NOT_PRIVATE = "The socket of Vitrine's supervisor must be in a folder of yours that nobody else can write"
LOG_MAX_BYTES = 20_000_000
LOG_BACKUPS = 2
CONFIGURATION = "VITRINE_CONFIGURATION_SHA256"
ENDED = ("STOPPED", "EXITED", "FATAL")


@dataclass(frozen=True)
class Process:
    """One service's process as supervisord reports it.

    `state`: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED or FATAL."""

    name: str
    state: str
    pid: int
    started_at_s: int


def _quoted(name: str, value: str) -> str:
    """Quotes a value of an `environment=` line: supervisord strips quotes and expands per cent signs. Raises
    StackError, which names the variable alone: its value may be a secret."""
    quote = '"' if '"' not in value else "'"
    if quote in value or "\n" in value:
        raise StackError(
            f"{name}: a setting with both kinds of quotes or a line break cannot be used: change its value"
        )
    return quote + value.replace("%", "%%") + quote


def render(layout: Layout, services: Iterable[Service]) -> str:
    """Returns supervisord's configuration. It holds secrets: write it readable by its owner only."""
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
        (f"eventlistener:{process_states.LISTENER}", _listener(layout)),
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
        # No process reads this variable. It makes supervisord notice that a configuration file has changed.
        variables[CONFIGURATION] = sha256(service.configuration.encode()).hexdigest()
    return {
        "command": shlex.join(service.command).replace("%", "%%"),
        "directory": service.directory or layout.root,
        # The stores hold data about people: only their owner may read them.
        "umask": "077",
        "environment": ",".join(f"{name}={_quoted(name, variables[name])}" for name in sorted(variables)),
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


def private_folder(folder: Path, make: bool = False) -> None:
    """Makes `folder` if `make`, and keeps others from writing to it and to the one above, if they are ours.
    Raises StackError if another user could have put a socket of their own in it."""
    if make:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in (folder, folder.parent):
        try:
            found = one.lstat()
        except FileNotFoundError:
            continue
        if one != folder and found.st_mode & stat.S_ISVTX:
            continue  # shared, but others cannot rename what is ours in it
        if found.st_uid not in (0, os.geteuid()):
            raise StackError(f"{NOT_PRIVATE}. {checkout_owner.whose(one, found.st_uid)}")
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & stat.S_IWOTH:
            raise StackError(f"{NOT_PRIVATE}: {one} is not one. Move it away, or close it (chmod go-w {one})")
        if found.st_mode & stat.S_IWGRP:
            # As the umask 002 of many users makes them, for their own group.
            one.chmod(stat.S_IMODE(found.st_mode) & ~stat.S_IWGRP)
    for socket in folder.glob("supervisor.sock*"):  # from when others could write there
        if (owner := socket.lstat().st_uid) not in (0, os.geteuid()):
            raise StackError(checkout_owner.whose(socket, owner))


def _listener(layout: Layout) -> dict[str, object]:
    arguments = [str(layout.states), port_rule.table(layout.digest), str(layout.port_rule)]
    command = [str(layout.python("main")), "-m", "stack.process_states", *arguments]
    return {
        "command": shlex.join(command).replace("%", "%%"),
        "directory": HERE.root,  # where the code is
        "events": "PROCESS_STATE,TICK_60",
        "buffer_size": 1_000,
        "autorestart": "true",
        "stderr_logfile": layout.log(process_states.LISTENER),
        "stderr_logfile_maxbytes": LOG_MAX_BYTES,
        "stderr_logfile_backups": LOG_BACKUPS,
    }


class Supervisor:
    """Control of this checkout's supervisord."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def configuration(self) -> Path:
        return self._layout.run / "supervisord.conf"

    def _rpc(self) -> Any:
        """Raises StackError if somebody else could have made the socket."""
        private_folder(self._layout.socket.parent)
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self._layout.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def running(self) -> bool:
        """True if supervisord answers."""
        try:
            return bool(self._rpc().getState()["statename"] == "RUNNING")
        except (OSError, http.client.HTTPException):
            return False

    def declare(self, services: Iterable[Service]) -> Changes:
        """Starts supervisord, detached from this shell; if it runs, makes it read the new declarations.
        Starts and stops no service: supervisord keeps the old declarations until `adopt`."""
        self._layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._layout.logs.mkdir(parents=True, exist_ok=True)
        private_folder(self._layout.socket.parent, make=True)
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
        # Each service inherits this environment, and is passed only those Vitrine settings that it reads.
        own = inherited(os.environ, os.geteuid() == 0)
        started = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self._layout.root, env=own
        )
        deadline = time.monotonic() + LAUNCHED_WITHIN_S
        while started.returncode == 0 and time.monotonic() < deadline:
            if self.running():
                return Changes()
            time.sleep(0.1)
        raise StackError(f"supervisord did not start: {started.stdout}{started.stderr}", "supervisor")

    def adopt(self, changes: Changes) -> None:
        """Replaces the old declarations by the new ones. Outdated services must not be running."""
        rpc = self._rpc()
        if process_states.LISTENER in changes.outdated:
            rpc.stopProcess(process_states.LISTENER)
        for name in changes.outdated:
            rpc.removeProcessGroup(name)
        for name in changes.added | changes.changed:
            rpc.addProcessGroup(name)

    def processes(self) -> dict[str, Process]:
        """Returns the process of each service; empty if supervisord does not run."""
        if not self.running():
            return {}
        return {
            info["name"]: Process(info["name"], info["statename"], info["pid"], info["start"])
            for info in self._rpc().getAllProcessInfo()
            if info["name"] != process_states.LISTENER
        }

    def start(self, name: str) -> None:
        """Starts `name` without waiting for it; does nothing if it is running."""
        with contextlib.suppress(xmlrpc.client.Fault):
            self._rpc().startProcess(name, False)

    def stop_all(self, names: Iterable[str], timeout_s: float = 90) -> None:
        """Stops the services `names` in parallel, each with its process group, and waits until they ended."""
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
        """Ends supervisord and with it every service of this checkout."""
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
    """Returns the last lines of a service's log; empty if it has none."""
    try:
        text = layout.log(service).read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
