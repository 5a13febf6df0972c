"""What a service is: data. Starting, watching and stopping it is the supervisor's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from stack.layout import Layout
from stack.settings import StackSettings
from streaming.settings import Settings, variables

# Not the caller's: what is declared must not change with the shell that asks.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unhealthy(Exception):
    """The service does not answer yet as a ready one does; the message says what it did instead."""


class Health(Protocol):
    """A question in the service's own protocol: an open port is not readiness."""

    def check(self) -> None:
        """Returns if the service is ready for work. Raises Unhealthy with the reason if not."""


class StackError(Exception):
    """What the user must know to go on: one message, and the end of a service's log where there is one."""

    def __init__(self, message: str, service: str | None = None) -> None:
        super().__init__(message)
        self.service = service


@dataclass(frozen=True)
class Service:
    """One process (with its children) of the stack."""

    name: str
    command: tuple[str, ...]
    health: Health
    needs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    """All of our variables that it finds: those it reads, and no other, for a change of one restarts it."""
    configuration: str = ""
    """What `prepare` writes down for it to read: a change of this restarts it too."""
    directory: str | None = None
    ports: tuple[int, ...] = ()
    """Loopback ports that it will listen on, the one people use first."""
    address: str = ""
    """What to show to people: where it can be reached."""
    memory_mib: int = 100
    """What it holds when it runs, for the check before the start."""
    start_timeout_s: float = 600
    stop_signal: str = "TERM"
    stop_timeout_s: int = 20
    prepare: Callable[[], None] | None = None
    """Writes its settings and makes its folders; run before each start, so it must be repeatable."""
    once_healthy: Callable[[], None] | None = None
    """Run each time the stack is brought up, before what needs this service is started."""
    external: bool = False
    """The user runs it elsewhere: only its health is looked at."""


@dataclass(frozen=True)
class StackContext:
    """What the declaration of a service may read: folders, settings, and the addresses of its neighbours."""

    layout: Layout
    settings: StackSettings
    environment: Mapping[str, str]
    external: frozenset[str]
    java_home: str = ""
    root: bool = False
    """Whether we run as root, so that what refuses to must be given another user."""

    def passed(self, *read: type[Settings] | str) -> dict[str, str]:
        """What of the shared environment a process reads: the variables of settings classes, and those
        named. One that is not set is left out: the process then takes its default."""
        names = {name for one in read for name in ([one] if isinstance(one, str) else variables(one))}
        return {name: self.environment[name] for name in sorted(names & self.environment.keys())}
