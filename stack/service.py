"""The declaration of a service: data only. The supervisor starts, watches and stops it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from stack import accounts, credentials, passwords
from stack.layout import Layout
from stack.principals import Principal, Store
from stack.settings import StackSettings, asking
from streaming.settings import Settings, variable, variables

# Not the caller's PATH: a declaration must not depend on the shell it is made in.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unhealthy(Exception):
    """The service is not ready; the message is the reason."""


class Health(Protocol):
    """A check in the service's own protocol: an open port does not mean that it is ready."""

    def check(self) -> None:
        """Returns if the service is ready. Raises Unhealthy with the reason if not."""


class StackError(Exception):
    """The stack could not do what was requested. `service`: the one whose log explains it, if any."""

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
    """The variables that it reads, and no other: a change of any of them restarts it."""
    configuration: str = ""
    """The configuration that `prepare` writes for it: a change of this restarts it too."""
    directory: str | None = None
    ports: tuple[int, ...] = ()
    """Loopback ports that it listens on; the one that people use comes first."""
    address: str = ""
    """Where it can be reached; shown to people."""
    memory_mib: int = 100
    """Memory that it uses, for the check before the start."""
    start_timeout_s: float = 600
    stop_signal: str = "TERM"
    stop_timeout_s: int = 20
    prepare: Callable[[], None] | None = None
    """Writes its settings and makes its folders. Called before each start, so it must be repeatable."""
    once_healthy: Callable[[], None] | None = None
    """Called on each `up`, before the services that need this one are started."""
    external: bool = False
    """The user runs it elsewhere: only its health is checked."""
    account: str = accounts.VITRINE
    """The system user that it runs as where root starts the stack."""
    writes: tuple[Path, ...] = ()
    """The files and folders below `.vitrine` that are its account's alone. `prepare` makes the folders."""
    reads: tuple[Path, ...] = ()
    """Those that it reads, in folders that stay root's; no more than two accounts may read the same."""


@dataclass(frozen=True)
class StackContext:
    """What the declaration of a service may read: folders, settings, and the addresses of all components."""

    layout: Layout
    settings: StackSettings
    environment: Mapping[str, str]
    external: frozenset[str]
    java_home: str = ""
    root: bool = False
    """True if we run as root: services then run as accounts without rights (`stack.unprivileged`)."""
    principal: Principal | None = Principal.ADMIN
    """Whose credentials `environment` has. None: this process is a service itself. It must not read the
    generated passwords, and what it declares has none."""

    def value(self, settings: type[Settings], field: str) -> str:
        """Returns the text that services read for a field of `settings`: what is set, or its default."""
        return self.environment.get(variable(settings, field), str(settings.model_fields[field].default))

    def password(self, store: Store, principal: Principal) -> str:
        """Returns the password of `principal` for `store`; empty if this process must not read any."""
        return passwords.of(self.layout, store, principal) if self.principal else ""

    def key(self, name: str) -> str:
        """Returns the generated key called `name`; empty if this process must not read it."""
        return passwords.generated(self.layout, name) if self.principal else ""

    def passed(self, principal: Principal, *read: type[Settings] | str) -> dict[str, str]:
        """Returns the variables that a process of `principal` reads: those of settings classes and those
        named. Its credentials are in them instead of the admin's. A variable that is not set is left out, so
        that the process uses its default."""
        names = {name for one in read for name in ([one] if isinstance(one, str) else variables(one))}
        own = asking(self.external)
        shared = {**self.environment}
        if self.principal:
            shared |= credentials.variables(principal, self.password, own, self.environment, self.key)
        return {name: shared[name] for name in sorted(names & shared.keys())}
