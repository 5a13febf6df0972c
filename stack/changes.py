"""Finds the services that a changed setting concerns, by declaring the services with and without the
change."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stack.service import Service

Declare = Callable[[Mapping[str, str]], Iterable[Service]]
"""Returns all services as declared with these variables set by the user."""


@dataclass(frozen=True)
class Changes:
    """How the declarations differ from what the supervisor has, by the names of services."""

    changed: frozenset[str] = field(default_factory=frozenset)
    removed: frozenset[str] = field(default_factory=frozenset)
    """No longer declared, or now external."""
    added: frozenset[str] = field(default_factory=frozenset)

    @property
    def outdated(self) -> frozenset[str]:
        """Services whose running process, if any, no longer matches the declaration."""
        return self.changed | self.removed


def process(service: Service) -> tuple[object, ...] | None:
    """Returns everything that a process of `service` is started with; None if it is external."""
    if service.external:
        return None
    made_with = (service.command, dict(service.environment), service.configuration, service.directory)
    return (*made_with, service.stop_signal, service.stop_timeout_s)


def concerned(
    declare: Declare, before: Mapping[str, str], now: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Returns, for each service, the variables of which each, changed alone, changes its process."""
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
    """Returns why a service is restarted. Names the variables only: their values may be secret."""
    names = tuple(variables)
    return f"{', '.join(names)} changed" if names else "its declaration has changed"
