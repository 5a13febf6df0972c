"""The stack as a whole: installs what is missing, starts it, stops it."""

from collections.abc import Callable, Iterable
from shlex import quote

from stack import (
    changes,
    checkout_owner,
    doors,
    file_modes,
    interrupted_restore,
    interrupted_rewrite,
    provision,
    readable,
    retention_check,
    saved_settings,
    system_users,
    unprivileged,
)
from stack import services as declared
from stack.context import this_checkout, under
from stack.service import Service, StackContext
from stack.start import make_folders, up
from stack.supervisor import ENDED, Supervisor

Tell = Callable[[str, str], None]


def bring_up(names: Iterable[str], tell: Tell, restoring: bool = False) -> tuple[Service, ...]:
    """Starts the services called `names` (all, if none) with what they need, and restarts running services
    that a changed setting concerns. Returns all of these when they are healthy. `restoring`: True for a
    restore, which alone may start anything before it has ended.
    Raises InvalidRequest if settings contradict each other, AnotherOwner if somebody else has started the
    stack here, Missing if something cannot be installed and StackError if a service does not start."""
    place = this_checkout()
    checkout_owner.require(place.layout)
    if not restoring:
        interrupted_restore.require_none(place.layout)
    retention_check.check(place)
    make_folders(place.layout)
    if place.root:
        system_users.ensure()
    _close(place, tell)
    services = declared.services(place)
    before = saved_settings.settings(place.layout)
    wanted = declared.with_needs(services, list(names) or [service.name for service in services])
    if any(service.name in interrupted_rewrite.STOPPED for service in wanted):
        interrupted_rewrite.require_none(place.layout)
    saved_settings.remember(place.layout)
    provision.ensure(place.layout, wanted, tell)
    if place.root:
        with unprivileged.giving():
            readable.open_code(place.layout)
            readable.open_installed(place.layout)
    # Declared again, because what was just installed (Java, for example) is part of the declarations.
    place = this_checkout()
    services = declared.services(place)
    wanted = declared.with_needs(services, [service.name for service in wanted])
    concerned = changes.concerned(
        lambda given: declared.services(under(place, given)), before, saved_settings.chosen()
    )
    if place.root:
        _tell_of_files_left(wanted, tell)
    doors.close(place, tell)
    return up(place, services, wanted, tell, concerned)


def _close(place: StackContext, tell: Tell) -> None:
    """Removes the permissions of other users on all files of the stack, whether an earlier start left them or
    a component made them."""
    others = file_modes.close(place.layout, system_users.groups() if place.root else ())
    if others:
        tell("files", f"{len(others)} belong to another user and are unchanged, such as {others[0]}")


def _tell_of_files_left(wanted: Iterable[Service], tell: Tell) -> None:
    """Tells which files root does not give to their services' accounts."""
    if left := unprivileged.not_given(wanted):
        file, account = next(iter(left.items()))
        tell(
            "files of several names",
            f"{len(left)} stay as they are, because an account may have named a file so that is not its own. "
            "Services cannot use them: if they are your data, give them away "
            f"(chown -h {account} {quote(str(file))})",
        )


def take_down(place: StackContext, tell: Tell, only: Iterable[str] = ()) -> list[str]:
    """Stops what this checkout's supervisor started, those that need others first, then the supervisor.
    With `only`, stops just these services and leaves everything else running. Returns the names of the
    stopped services."""
    supervisor = Supervisor(place.layout)
    processes = supervisor.processes()
    if not supervisor.running():
        if not only:
            doors.open_again(place)  # the supervisor may have been killed
        return []
    services = declared.services(place)
    alive = {name for name, process in processes.items() if process.state not in ENDED}
    stopped = []
    for level in declared.levels(declared.with_needs(services, [service.name for service in services])):
        names = [name for name in level if name in (alive & set(only) if only else alive)]
        supervisor.stop_all(names)
        for name in names:
            tell(name, "stopped")
        stopped += names
    if not only:
        supervisor.shutdown()
        doors.open_again(place)
        saved_settings.forget(place.layout)
    return stopped
