"""A small stack beside the one that runs: real supervisor, real Redis, a folder and a port of its own."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from waiting import free_port, until

from stack import declared, running
from stack.layout import HERE, Layout
from stack.service import Place, Service, StackError, Unhealthy
from stack.settings import StackSettings, environment
from stack.supervisor import Supervisor, end_of_log
from stack.up import make_folders, up


def quiet(service: str, state: str) -> None:
    pass


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """Checkouts in folders of their own that share our environments. What they started ends with the test."""
    made: list[Place] = []

    def make(name: str) -> Place:
        layout = Layout(tmp_path / name)
        make_folders(layout)
        (layout.state / "envs").symlink_to(HERE.state / "envs")
        settings = StackSettings(port_offset=0, redis_port=free_port())
        place = Place(layout, settings, environment(settings, layout, {}), frozenset())
        made.append(place)
        return place

    yield make
    for place in made:
        running.take_down(place, quiet)


def bring_up(place: Place) -> Service:
    services = declared.services(place)
    wanted = declared.with_needs(services, ["redis"])
    up(place, services, wanted, quiet)
    return wanted[0]


def healthy(service: Service) -> bool:
    try:
        service.health.check()
    except Unhealthy:
        return False
    return True


def test_what_is_killed_comes_back_healthy(make_place: Callable[[str], Place]) -> None:
    place = make_place("one")
    redis = bring_up(place)
    first = Supervisor(place.layout).processes()["redis"]
    assert first.state in ("STARTING", "RUNNING")
    os.kill(first.pid, signal.SIGKILL)

    def back() -> bool:
        now = Supervisor(place.layout).processes().get("redis", first)
        return now.state == "RUNNING" and now.pid != first.pid and healthy(redis)

    until(back, "a second Redis")


def test_down_stops_only_its_own(make_place: Callable[[str], Place]) -> None:
    one, other = make_place("one"), make_place("other")
    bring_up(one)
    neighbour = bring_up(other)
    pids = {place.layout.root: Supervisor(place.layout).processes()["redis"].pid for place in (one, other)}
    supervisor_pid = int((one.layout.run / "supervisor.pid").read_text())
    assert running.take_down(one, quiet) == ["redis"]
    assert not psutil.pid_exists(pids[one.layout.root])
    assert not psutil.pid_exists(supervisor_pid)
    assert running.take_down(one, quiet) == []
    assert psutil.pid_exists(pids[other.layout.root])
    assert healthy(neighbour)


def test_up_again_starts_nothing_twice(make_place: Callable[[str], Place]) -> None:
    place = make_place("one")
    bring_up(place)
    first = Supervisor(place.layout).processes()["redis"].pid
    bring_up(place)
    assert Supervisor(place.layout).processes()["redis"].pid == first


def test_a_service_that_cannot_start_is_told_with_the_end_of_its_log(
    make_place: Callable[[str], Place],
) -> None:
    place = make_place("one")
    redis = next(service for service in declared.services(place) if service.name == "redis")
    broken = replace(redis, command=("redis-server", "--port", "words"), start_timeout_s=2)
    with pytest.raises(StackError, match=r"redis did not become healthy in \d+ s") as raised:
        up(place, (broken,), (broken,), quiet)
    assert raised.value.service == "redis"
    until(lambda: "FATAL CONFIG FILE ERROR" in end_of_log(place.layout, "redis"), "what Redis says of it")


def test_a_component_of_the_users_is_looked_at_and_not_started(make_place: Callable[[str], Place]) -> None:
    place = make_place("one")
    redis = next(service for service in declared.services(place) if service.name == "redis")
    elsewhere = replace(redis, external=True, start_timeout_s=1)
    with pytest.raises(StackError, match="redis, which you run elsewhere, is not healthy: no answer to PING"):
        up(place, (elsewhere,), (elsewhere,), quiet)
    assert Supervisor(place.layout).processes() == {}
