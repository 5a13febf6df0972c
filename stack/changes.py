"""What a change of settings concerns, found by declaring the services with it and without it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stack.service import Service

Declare = Callable[[Mapping[str, str]], Iterable[Service]]
"""All services as they are declared where the user has given these variables."""


@dataclass(frozen=True)
class Changes:
    """How the declarations differ from what the supervisor has, by the names of services."""

    changed: frozenset[str] = field(default_factory=frozenset)
    removed: frozenset[str] = field(default_factory=frozenset)
    """Declared no more, or run elsewhere by the user from now on."""
    added: frozenset[str] = field(default_factory=frozenset)

    @property
    def outdated(self) -> frozenset[str]:
        """Those whose process, if it runs, is not the one that is declared."""
        return self.changed | self.removed


def process(service: Service) -> tuple[object, ...] | None:
    """All that a running process of `service` was made with; None where the user runs it elsewhere."""
    if service.external:
        return None
    made_with = (service.command, dict(service.environment), service.configuration, service.directory)
    return (*made_with, service.stop_signal, service.stop_timeout_s)


def concerned(
    declare: Declare, before: Mapping[str, str], now: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """For each service the variables whose change, each by itself, makes it another process."""
    unchanged = {service.name: process(service) for service in declare(before)}
    found: dict[str, tuple[str, ...]] = {}
    for variable in sorted(before.keys() | now.keys()):
        if before.get(variable) == now.get(variable):
            continue
        given = {name: value for name, value in before.items() if name != variable}
        if variable in now:
            given[variable] = now[variable]
        for service in declare(given):
            if process(service) != unchanged.get(service.name):
                found[service.name] = (*found.get(service.name, ()), variable)
    return found


def reason(variables: Iterable[str]) -> str:
    """Why a service is made another process, for people: by the names of variables, whose values may be
    secret."""
    names = tuple(variables)
    return f"{', '.join(names)} changed" if names else "it runs with something else than is declared now"
