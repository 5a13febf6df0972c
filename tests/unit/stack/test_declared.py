"""Services start after what they need, and stop before it."""

from typing import Any

import pytest

from stack.service import Service, StackError, Unhealthy
from stack.services import levels, startable, with_needs


class Never:
    def check(self) -> None:
        raise Unhealthy("never")


def service(name: str, *needs: str, **more: Any) -> Service:
    return Service(name=name, command=("true",), health=Never(), needs=needs, **more)


SERVICES = (
    service("index", "kafka", "search"),
    service("search"),
    service("gate", "kafka"),
    service("kafka"),
)


def test_each_comes_after_its_needs() -> None:
    names = [one.name for one in with_needs(SERVICES, ["index", "gate"])]
    assert sorted(names) == ["gate", "index", "kafka", "search"]
    assert names.index("kafka") < names.index("index") > names.index("search")
    assert names.index("kafka") < names.index("gate")


def test_only_requested_services_and_their_needs_are_returned() -> None:
    assert [one.name for one in with_needs(SERVICES, ["gate"])] == ["kafka", "gate"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StackError, match="there is no service gaet; there are: index, search, gate, kafka"):
        with_needs(SERVICES, ["gaet"])


def test_a_cycle_of_needs_is_named() -> None:
    circle = (service("a", "b"), service("b", "a"))
    with pytest.raises(StackError, match="a -> b -> a"):
        with_needs(circle, ["a"])


def test_nothing_starts_before_all_its_needs_are_healthy() -> None:
    def may(asked: set[str], healthy: set[str]) -> set[str]:
        return {one.name for one in startable(SERVICES, dict.fromkeys(asked), frozenset(healthy))}

    assert may(set(), set()) == {"search", "kafka"}
    assert may({"search", "kafka"}, {"kafka"}) == {"gate"}
    assert may({"search", "kafka", "gate"}, {"kafka", "search"}) == {"index"}
    assert may({"search", "kafka", "gate", "index"}, {"kafka", "search"}) == set()


def test_services_that_need_others_are_stopped_first() -> None:
    stopped = levels(with_needs(SERVICES, [one.name for one in SERVICES]))
    assert [set(level) for level in stopped] == [{"index", "gate"}, {"search", "kafka"}]
