"""All services of the stack, and their order by what each needs."""

from collections.abc import Iterable, Mapping

from stack import unprivileged
from stack.components import airflow, elasticsearch, flink, kafka, mongodb, redis, stages, watch
from stack.service import Service, StackContext, StackError


def services(place: StackContext) -> tuple[Service, ...]:
    """Returns every service of this checkout."""
    components = (kafka, redis, mongodb, elasticsearch, flink, airflow, stages, watch)
    found = (service for component in components for service in component.services(place))
    return unprivileged.declared(place, found)


def with_needs(services: tuple[Service, ...], names: Iterable[str]) -> tuple[Service, ...]:
    """Returns the services called `names` and all that they need, each after its needs. Raises StackError for
    a name that is not declared and for needs that form a cycle."""
    by_name = {service.name: service for service in services}
    ordered: dict[str, Service] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name not in by_name:
            raise StackError(f"there is no service {name}; there are: {', '.join(by_name)}")
        if name in path:
            raise StackError(f"needs form a cycle: {' -> '.join((*path, name))}")
        if name not in ordered:
            for need in by_name[name].needs:
                visit(need, (*path, name))
            ordered[name] = by_name[name]

    for name in names:
        visit(name, ())
    return tuple(ordered.values())


def startable(
    services: Iterable[Service], begun: Mapping[str, object], healthy: frozenset[str]
) -> list[Service]:
    """Returns the services whose start has not begun and whose needs are all healthy."""
    return [
        service for service in services if service.name not in begun and healthy.issuperset(service.needs)
    ]


def levels(ordered: Iterable[Service]) -> list[list[str]]:
    """Returns names in groups, in the order to stop them: first those that nothing else needs."""
    depth: dict[str, int] = {}
    for service in ordered:
        depth[service.name] = 1 + max((depth[need] for need in service.needs), default=0)
    return [
        [name for name in depth if depth[name] == level]
        for level in sorted(set(depth.values()), reverse=True)
    ]
