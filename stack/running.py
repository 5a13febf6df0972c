"""The stack as a whole: install what is missing, bring it up, take it down."""

from collections.abc import Callable, Iterable

from stack import changes, declared, installed, remembered
from stack.place import here, under
from stack.service import Place, Service
from stack.supervisor import ENDED, Supervisor
from stack.up import make_folders, up

Tell = Callable[[str, str], None]


def bring_up(names: Iterable[str], tell: Tell) -> tuple[Service, ...]:
    """Starts the services called `names` (all, if none) with what they need, and starts again those that run
    and that a changed setting concerns. Returns all of these when they are healthy.
    Raises Missing for what cannot be installed and StackError for what does not start."""
    place = here()
    make_folders(place.layout)
    services = declared.services(place)
    before = remembered.settings(place.layout)
    wanted = declared.with_needs(services, list(names) or [service.name for service in services])
    remembered.remember(place.layout)
    installed.ensure(place.layout, wanted, tell)
    # What was installed just now, a Java say, belongs into the declaration.
    place = here()
    services = declared.services(place)
    wanted = declared.with_needs(services, [service.name for service in wanted])
    concerned = changes.concerned(
        lambda given: declared.services(under(place, given)), before, remembered.wished()
    )
    return up(place, services, wanted, tell, concerned)


def take_down(place: Place, tell: Tell) -> list[str]:
    """Stops what this checkout's supervisor started, those that need others first, then the supervisor."""
    supervisor = Supervisor(place.layout)
    processes = supervisor.processes()
    if not supervisor.running():
        return []
    services = declared.services(place)
    alive = {name for name, process in processes.items() if process.state not in ENDED}
    stopped = []
    for level in declared.levels(declared.with_needs(services, [service.name for service in services])):
        names = [name for name in level if name in alive]
        supervisor.stop_all(names)
        for name in names:
            tell(name, "stopped")
        stopped += names
    supervisor.shutdown()
    remembered.forget(place.layout)
    return stopped
